import { describe, expect, it } from 'vitest';
import { Budget, type BudgetLimits } from '../rules/budget.ts';
import { defineRule, type Rule } from '../rules/define.ts';
import { finish, type Work } from '../rules/engine.ts';
import { renderText } from '../rules/finding.ts';
import { RULES } from '../rules/index.ts';
import type { KubeObject } from '../world/object.ts';
import { asArray, asString, dig } from '../world/read.ts';
import { storeOf, type ObjectStore } from '../world/store.ts';
import type { World } from '../world/world.ts';
import type { Change } from './change.ts';
import { findIntroduced, type Introduced } from './introduced.ts';

const LOOK_UPS = 100;

function rollout(name: string, problems: readonly string[] = [], more: object = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace: 'shop' },
    spec: { problems, ...more },
  };
}

function problemsIn(subject: KubeObject): string[] {
  return asArray(dig(subject, 'spec', 'problems')).map(asString);
}

// Looks up much before it reports what its subject says, in an order that no rule should have.
const slow = defineRule({
  id: 'slow-lookups',
  summary: '',
  explanation: '',
  subject: { 'Rollout.argoproj.io': ['spec'] },
  reads: { Service: ['spec'], 'VirtualService.networking.istio.io': ['spec'] },
  messages: { wrong: { class: 'invalid', text: '{what} is wrong', fix: 'fix it' } },
  check(context, subject) {
    for (const anchor of problemsIn(subject))
      context.report('wrong', { path: ['spec'], anchor, data: { what: anchor } });
    for (let count = 0; count < LOOK_UPS; count++) context.find('Service', 'shop', `service-${count}`);
  },
});

const alone = defineRule({
  id: 'own-problems',
  summary: '',
  explanation: '',
  subject: { 'Rollout.argoproj.io': ['spec'] },
  reads: {},
  messages: { wrong: { class: 'invalid', text: '{what} is wrong', fix: 'fix it' } },
  check(context, subject) {
    for (const anchor of problemsIn(subject))
      context.report('wrong', { path: ['spec'], anchor, data: { what: anchor } });
  },
});

const ofServices = defineRule({
  id: 'no-ports',
  summary: '',
  explanation: '',
  subject: { Service: ['spec'] },
  reads: {},
  messages: { none: { class: 'invalid', text: 'no ports', fix: 'add one' } },
  check(context, subject) {
    if (dig(subject, 'spec', 'ports') === undefined) context.report('none', { path: ['spec'], anchor: '', data: {} });
  },
});

const stubborn: Rule = {
  ...slow,
  id: 'catches-all',
  run(run, subject) {
    try {
      slow.run(run, subject);
    } catch {
      // As a rule must not do.
    }
  },
};

function budgetOf(limits: Partial<BudgetLimits>): Budget {
  return new Budget({
    operations: Infinity,
    operationsOfCheck: Infinity,
    values: Infinity,
    subjects: Infinity,
    expired: () => false,
    ...limits,
  });
}

function introduced(
  change: Change,
  rules: readonly Rule[],
  limits: Partial<BudgetLimits>,
  world: World = storeOf([]),
): { told: string[]; skipped: string[]; introduced: Introduced } {
  const result = finish(findIntroduced(world, [change], rules, budgetOf(limits)));
  return {
    told: result.findings.map(renderText),
    skipped: result.skipped.map(({ rule, reason }) => `${rule}: ${reason}`),
    introduced: result,
  };
}

const NEEDS_TOO_MANY =
  'was not checked completely: the checks need too many operations (not finished: slow-lookups; objects: 1): make the object smaller, or let fewer objects refer to it [too-large]';

describe('a rule that does not finish', () => {
  it('in the world after says nothing, not even what it has found by then', () => {
    const change = { before: undefined, after: rollout('web', ['a', 'b']) };
    expect(introduced(change, [slow], {}).told).toEqual([
      'a is wrong: fix it [slow-lookups]',
      'b is wrong: fix it [slow-lookups]',
    ]);
    const { told, skipped } = introduced(change, [slow], { operations: 50 });
    expect(told).toEqual([NEEDS_TOO_MANY]);
    expect(skipped).toEqual(['slow-lookups: could not be checked: the checks need too many operations']);
  });

  it('in the world before makes nothing new of what was there', () => {
    const change = { before: rollout('web', ['a']), after: rollout('web', ['a'], { replicas: 2 }) };
    // Enough for the world after, but not for both.
    for (const operations of [LOOK_UPS + 10, LOOK_UPS + 50, 2 * LOOK_UPS - 1]) {
      const { told, skipped } = introduced(change, [slow], { operations });
      expect(told).toEqual([NEEDS_TOO_MANY]);
      expect(skipped).toEqual(['slow-lookups: could not be checked: the checks need too many operations']);
    }
    expect(introduced(change, [slow], { operations: 3 * LOOK_UPS }).told).toEqual([]);
  });

  it('because the time ended in the world before makes nothing new, either', () => {
    const change = { before: rollout('web', ['a']), after: rollout('web', ['a'], { replicas: 2 }) };
    const results = [0, 1, 2, 3, 4, 5, 6].map((most) => {
      let readings = 0;
      return introduced(change, [slow], { expired: () => readings++ >= most });
    });
    expect(results.flatMap(({ told }) => told).filter((text) => text.includes('is wrong'))).toEqual([]);
    expect(results[0]?.told).toEqual([
      expect.stringContaining(
        'no time was left (not finished: all rules; objects: at least 1): try again, or ask the administrator of Rollgate',
      ) as string,
    ]);
    expect(results.at(-1)?.told).toEqual([]);
  });

  it('says nothing even if it catches everything', () => {
    const change = { before: undefined, after: rollout('web', ['a']) };
    expect(introduced(change, [stubborn], { operations: 50 }).told.join()).not.toContain('is wrong');
  });

  it('is not begun if its subject or one that it looks up has too many values', () => {
    const large = rollout('web', ['a', 'b', 'c', 'd']);
    const small = rollout('web', ['a']);
    const tooLarge = (change: Change, rules: readonly Rule[], world?: World): string[] => {
      const { told, skipped } = introduced(change, rules, { values: 8 }, world);
      expect(told).toEqual([expect.stringContaining('was not checked completely: an object has more than 8 values')]);
      return skipped;
    };
    const everything = ['*: could not be checked: an object has more than 8 values'];
    expect(tooLarge({ before: undefined, after: large }, [alone, slow])).toEqual(everything);
    expect(introduced({ before: undefined, after: small }, [alone], { values: 8 }).told).toEqual([
      'a is wrong: fix it [own-problems]',
    ]);
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'service-0', namespace: 'shop' } };
    const many = { ...service, spec: { ports: [{ port: 1 }, { port: 2 }] } };
    const change = { before: undefined, after: small };
    expect(tooLarge(change, [slow], storeOf([many]))).toEqual([
      'slow-lookups: could not be checked: an object has more than 8 values',
    ]);
  });

  it('is begun if the object had too many values: it can be made smaller, and what is wrong on the way is new', () => {
    const change = { before: rollout('web', ['a', 'b', 'c', 'd']), after: rollout('web', ['a', 'e']) };
    for (const rule of [alone, slow])
      expect(introduced(change, [rule], { values: 8 }).told).toEqual([`e is wrong: fix it [${rule.id}]`]);
  });

  it('is said if it is about another object, unless that is in another namespace or no rule is about it', () => {
    const user = rollout('web', ['a', 'b', 'c', 'd'], { strategy: { canary: { canaryService: 'service-0' } } });
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'service-0', namespace: 'shop' } };
    const judged = (rule: Rule, after: KubeObject, stored: KubeObject): string[] =>
      introduced({ before: undefined, after }, [rule], { values: 8 }, storeOf([stored])).told;
    expect(judged(slow, service, user)).toEqual([expect.stringContaining('has more than 8 values')]);
    expect(judged(ofServices, { ...service, spec: { ports: [] } }, user)).toEqual([]);

    const route = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'route', namespace: 'mesh' },
    };
    const canary = { trafficRouting: { istio: { virtualService: { name: 'route.mesh' } } } };
    expect(judged(slow, route, rollout('web', ['a', 'b', 'c', 'd'], { strategy: { canary } }))).toEqual([]);
  });

  it('leaves the others their part', () => {
    const change = { before: undefined, after: rollout('web', ['a']) };
    const { told, skipped } = introduced(change, [slow, alone], { operationsOfCheck: 10 });
    expect(told).toEqual([
      'a is wrong: fix it [own-problems]',
      NEEDS_TOO_MANY.replace('the checks need', 'one check needs'),
    ]);
    expect(skipped).toEqual(['slow-lookups: could not be checked: one check needs too many operations']);
  });

  it('is run again by the next request, with nothing kept of the first', () => {
    const after = rollout('web', ['a', 'b', 'c']);
    const change = { before: undefined, after };
    // Results are kept for a list of rules.
    const rules = [alone];
    expect(introduced(change, rules, { operationsOfCheck: 2 }).told).toHaveLength(1);
    expect(introduced(change, rules, {}).told).toHaveLength(3);
  });
});

function usersOf(virtualService: string, count: number): KubeObject[] {
  return Array.from({ length: count }, (_, index) =>
    rollout(`web-${index}`, [], {
      strategy: { canary: { trafficRouting: { istio: { virtualService: { name: virtualService } } } } },
    }),
  );
}

function virtualService(name: string, routes = 1): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop' },
    spec: { hosts: ['web'], http: Array.from({ length: routes }, (_, index) => ({ name: `route-${index}` })) },
  };
}

describe('a change that affects too many objects', () => {
  const change = { before: virtualService('web'), after: virtualService('web', 2) };

  it('is checked for as many as the budget has, the changed one first', () => {
    const {
      introduced: result,
      skipped,
      told,
    } = introduced(change, [slow], { subjects: 10 }, storeOf(usersOf('web', 30)));
    expect(result.subjects).toBe(10);
    expect(result.lookedUp.has('VirtualService.networking.istio.io/shop/web')).toBe(true);
    expect(skipped).toEqual(['*: could not be checked: it affects more than 10 objects']);
    expect(told).toEqual([
      'was not checked completely: it affects more than 10 objects (not finished: all rules; objects: at least 1): make the object smaller, or let fewer objects refer to it [too-large]',
    ]);
  });

  it('is checked completely where there are no more than that', () => {
    const { introduced: result, told } = introduced(change, [slow], { subjects: 31 }, storeOf(usersOf('web', 30)));
    expect(result.subjects).toBe(31);
    expect(told).toEqual([]);
  });
});

// Looks up much to see that a Service is absent.
const needsService = defineRule({
  id: 'needs-service',
  summary: '',
  explanation: '',
  subject: { 'Rollout.argoproj.io': ['spec'] },
  reads: { Service: ['spec'], 'VirtualService.networking.istio.io': ['spec'] },
  messages: { absent: { class: 'invalid', text: 'no Service', fix: 'create it' } },
  check(context) {
    for (let count = 0; count < 3_000; count++) context.find('VirtualService.networking.istio.io', 'shop', 'web');
    if (context.find('Service', 'shop', 'web') === undefined)
      context.report('absent', { path: ['spec'], anchor: 'web', data: {} });
  },
});

describe('a cluster that changes while others have their turn', () => {
  const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } };

  function toldWhile(store: ObjectStore, change: Change, rules: readonly Rule[], event: () => void): string[] {
    const work = findIntroduced(store, [change], rules, budgetOf({}));
    for (let turns = 0; ; turns++) {
      const step = work.next();
      if (step.done === true) {
        expect(turns).toBeGreaterThan(0);
        return step.value.findings.map(renderText);
      }
      event();
    }
  }

  it('makes nothing new of what was wrong before, when it is fixed meanwhile', () => {
    const store = storeOf([]);
    const change = { before: rollout('web'), after: rollout('web', [], { replicas: 2 }) };
    expect(toldWhile(store, change, [needsService, alone], () => store.put(service))).toEqual([]);
  });

  it('makes nothing new of what is wrong in another object, when that is fixed or deleted meanwhile', () => {
    const change = { before: virtualService('web'), after: virtualService('web', 2) };
    const [user] = usersOf('web', 1) as [KubeObject];
    const wrong: KubeObject = { ...user, spec: { ...(user['spec'] as object), problems: ['a'] } };
    const problems: Rule = {
      ...alone,
      id: 'across-problems',
      reads: ['VirtualService.networking.istio.io'],
      places: { ...alone.places, reads: { 'VirtualService.networking.istio.io': ['spec'] } },
    };
    for (const event of [
      (store: ObjectStore) => store.put(user),
      (store: ObjectStore) => store.delete('Rollout.argoproj.io', 'shop', user.metadata.name),
    ]) {
      const store = storeOf([wrong, service]);
      expect(toldWhile(store, change, [needsService, problems], () => event(store))).toEqual([]);
    }
  });
});

/** Returns the numbers of operations between two turns of others. */
function slicesOf(budget: Budget, work: Work<unknown>): number[] {
  const slices: number[] = [];
  for (;;) {
    const before = budget.spent;
    const { done } = work.next();
    slices.push(budget.spent - before);
    if (done === true) return slices;
  }
}

describe('between two turns of other requests', () => {
  const CHECK = 1_000;

  it('there are no more operations than those of a check in both worlds', () => {
    const world = storeOf([...usersOf('web', 300), virtualService('web', 100)]);
    const change = { before: virtualService('web', 100), after: virtualService('web', 50) };
    const budget = budgetOf({ operationsOfCheck: CHECK });
    const slices = slicesOf(budget, findIntroduced(world, [change], [...RULES, slow], budget));
    expect(slices.length).toBeGreaterThan(10);
    expect(budget.spent).toBeGreaterThan(20_000);
    // A check in both worlds is not interrupted, and the last operation may have a list as its answer.
    expect(Math.max(...slices)).toBeLessThanOrEqual(2 * CHECK + 301);
  });

  it('the same holds for rules that look at nothing but the subject, and for the world before', () => {
    const problems = Array.from({ length: 900 }, (_, index) => `problem ${index}`);
    const rules = Array.from({ length: 20 }, (_, index): Rule => ({ ...alone, id: `own-problems-${index}` }));
    const budget = budgetOf({ operationsOfCheck: CHECK });
    const change = { before: rollout('web', problems), after: rollout('web', problems, { replicas: 2 }) };
    const slices = slicesOf(budget, findIntroduced(storeOf([]), [change], rules, budget));
    expect(budget.spent).toBeGreaterThan(36_000);
    expect(slices.length).toBeGreaterThan(12);
    expect(Math.max(...slices)).toBeLessThanOrEqual(2 * CHECK);
  });
});
