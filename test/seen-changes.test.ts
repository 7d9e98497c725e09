import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { introducedBy, type Introduced } from '../src/admission/introduced.ts';
import type { Change } from '../src/admission/change.ts';
import { RULES } from '../src/rules/index.ts';
import type { Rule } from '../src/rules/define.ts';
import { RuleIndex } from '../src/rules/rule-index.ts';
import { bundleWorld } from '../src/world/manifests.ts';
import { keyOf, kindOf, type KindId, type KubeObject } from '../src/world/object.ts';
import { asArray, asObject, dig } from '../src/world/read.ts';
import { BY_FIELD_REF, type Place, type Places } from '../src/world/place.ts';
import { storeOf } from '../src/world/store.ts';
import { editsOf } from './support/edits.ts';
import { anyEdits, edited } from './support/random-edits.ts';
import { FIXTURES, RULE_SETUPS } from './support/rule-setups.ts';
import type { Setup } from './support/setups.ts';

// The engine runs only the rules that read a place that differs. Here each change is also evaluated with rules that say
// that they read everything.

const CASES = Number(process.env['SEEN_CHANGES_CASES'] ?? 400);
const SEED = Number(process.env['SEEN_CHANGES_SEED'] ?? 1);

const GATE_RULES = RULES.filter(({ lintOnly }) => !lintOnly);
const SETUPS = RULE_SETUPS.filter(({ objects }) => objects.some((object) => kindOf(object) !== undefined));
const OBJECTS = SETUPS.flatMap(({ objects }) => objects);

const ROOTS = [...new Set(OBJECTS.flatMap((object) => Object.keys(object)))] as Place[];

function readingEverything(rule: Rule): Rule {
  const everywhere = (places: Places): Places => Object.fromEntries(Object.keys(places).map((kind) => [kind, ROOTS]));
  return { ...rule, places: { subject: everywhere(rule.places.subject), reads: everywhere(rule.places.reads) } };
}

const UNFILTERED = GATE_RULES.map(readingEverything);

function said({ findings }: Introduced): string[] {
  return findings.map(({ rule, messageId, subject, object, path, anchor, data }) =>
    JSON.stringify([rule, messageId, keyOf(subject), keyOf(object), path, anchor, data]),
  );
}

function skips({ skipped }: Introduced): string[] {
  return skipped.map(({ rule, subject, reason }) => `${rule} ${keyOf(subject)} ${reason}`);
}

function world({ objects }: Setup, known: boolean): ReturnType<typeof bundleWorld> {
  return known ? storeOf(objects) : bundleWorld(objects);
}

/** Returns what the filter hides, which is nothing unless a declaration is wrong. */
function hidden(setup: Setup, change: Change, known: boolean, rules: readonly Rule[], all: readonly Rule[]): string[] {
  const [filtered, full] = [rules, all].map((list) => introducedBy(world(setup, known), [change], list));
  if (filtered === undefined || full === undefined) throw new Error('not evaluated');
  expect(skips(full)).toEqual(expect.arrayContaining(skips(filtered)));
  const [some, every] = [said(filtered), said(full)];
  return some.join('\n') === every.join('\n')
    ? []
    : every.filter((text) => !some.includes(text)).concat('another order');
}

const changes = fc
  .record({ setup: fc.nat(), object: fc.nat(), back: fc.boolean(), known: fc.boolean(), edits: anyEdits() })
  .map(({ setup: number, object: index, back, known, edits }) => {
    const setup = SETUPS[number % SETUPS.length];
    if (setup === undefined) throw new Error('no set-up');
    const object = setup.objects[index % setup.objects.length];
    if (object === undefined) throw new Error('no object');
    const other = edited(object, edits, setup.objects, OBJECTS);
    const change = back ? { before: other, after: object } : { before: object, after: other };
    return { file: setup.file, setup, change, known };
  });

describe('the rules that a change runs', () => {
  let some = 0;
  let none = 0;
  let found = 0;

  it('find what all rules find, in the same order', { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(changes, ({ setup, change, known }) => {
        const running = RuleIndex.of(GATE_RULES).seeing([change]).changed.length;
        if (running === 0) none++;
        else if (running < GATE_RULES.length / 3) some++;
        found += introducedBy(world(setup, known), [change], GATE_RULES).findings.length;
        expect(hidden(setup, change, known, GATE_RULES, UNFILTERED)).toEqual([]);
      }),
      { numRuns: CASES, seed: SEED },
    );
  });

  it('are often none, and often few, and find something', () => {
    expect([none, some, found].map((count) => count > CASES / 20)).toEqual([true, true, true]);
  });
});

describe('the rules that steps of a canary run, which come and go', () => {
  const stepsIn = (object: KubeObject): readonly unknown[] =>
    asArray(dig(object, 'spec', 'strategy', 'canary', 'steps'));
  const withSteps = (rollout: KubeObject, steps: readonly unknown[]): KubeObject => {
    const [spec, strategy] = [asObject(rollout['spec']), asObject(dig(rollout, 'spec', 'strategy'))];
    const canary = { ...asObject(strategy['canary']), steps };
    return structuredClone({ ...rollout, spec: { ...spec, strategy: { ...strategy, canary } } });
  };
  const lists = FIXTURES.flatMap((setup) =>
    setup.objects.flatMap((object) =>
      stepsIn(object).length === 0 ? [] : [{ setup, object, steps: stepsIn(object) }],
    ),
  );
  // One step of each sort, from fixtures that are not about it too.
  const sorts = [
    ...new Map(lists.flatMap(({ steps }) => steps.map((step) => [Object.keys(asObject(step)).join(), step]))).values(),
  ];

  const hiddenOf = (of: typeof lists, every: number, rules: readonly Rule[], all: readonly Rule[]): string[] => {
    let turn = 0;
    return of.flatMap(({ setup, object, steps }) =>
      [...steps.keys(), steps.length].flatMap((index) =>
        [...sorts.map((step) => steps.toSpliced(index, 0, step)), steps.toSpliced(index, 1)]
          .filter(() => turn++ % every === 0)
          .map((changed) => withSteps(object, changed))
          .flatMap((other) => [
            { before: object, after: other },
            { before: other, after: object },
          ])
          .flatMap((change) => hidden(setup, change, true, rules, all))
          .map((text) => `${setup.file}, step ${index + 1}: ${text}`),
      ),
    );
  };

  it('find what all rules find, wherever a step of any sort is', { timeout: 3_600_000 }, () => {
    expect(sorts.length).toBeGreaterThan(5);
    expect(hiddenOf(lists, CASES > 400 ? 1 : 10, GATE_RULES, UNFILTERED)).toEqual([]);
  });

  it('miss something if a rule counts steps and declares those of one sort', () => {
    const id = 'analysis-starting-step';
    const [rule] = GATE_RULES.filter((each) => each.id === id);
    if (rule === undefined) throw new Error(`no rule ${id}`);
    const places = { 'Rollout.argoproj.io': ['spec.strategy.canary.steps[*].setWeight'] } as const;
    const wrong = { ...rule, places: { ...rule.places, subject: places } };
    const own = lists.filter(({ setup }) => setup.file.startsWith(`src/rules/${id}/`));
    expect(hiddenOf(own, 1, [rule], [readingEverything(rule)])).toEqual([]);
    expect(hiddenOf(own, 1, [wrong], [readingEverything(rule)])).not.toEqual([]);
  });
});

describe('a wrong declaration', () => {
  const without = (rule: Rule, of: 'subject' | 'reads', kind: KindId, place: string): Rule => {
    const places = rule.places[of][kind] ?? [];
    if (!places.some((each) => each === place)) throw new Error(`${rule.id} does not declare ${place}`);
    const left = { ...rule.places[of], [kind]: places.filter((each) => each !== place) };
    return { ...rule, places: { ...rule.places, [of]: left } };
  };
  const hides = (id: string, wrong: (rule: Rule) => Rule): boolean => {
    const [rule] = GATE_RULES.filter((each) => each.id === id);
    if (rule === undefined) throw new Error(`no rule ${id}`);
    const [broken, all] = [[wrong(rule)], [readingEverything(rule)]];
    return FIXTURES.filter(({ file }) => file.startsWith(`src/rules/${id}/`)).some((setup) =>
      setup.objects.some((before) =>
        [...editsOf(before)].some(
          (after) =>
            hidden(setup, { before, after }, true, broken, all).length > 0 ||
            hidden(setup, { before: after, after: before }, true, broken, all).length > 0,
        ),
      ),
    );
  };

  it.each<[string, string, (rule: Rule) => Rule]>([
    [
      'a place of the subject is missing',
      'rollout-strategy',
      (rule) => without(rule, 'subject', 'Rollout.argoproj.io', 'spec.strategy'),
    ],
    [
      'a place of another object is missing',
      'service-target-port',
      (rule) => without(rule, 'reads', 'Service', 'spec.ports'),
    ],
    [
      'fieldRef is missing',
      'analysis-fieldref',
      (rule) => without(rule, 'subject', 'Rollout.argoproj.io', BY_FIELD_REF),
    ],
    [
      'only the presence of a value is said to count, and the value counts',
      'analysis-condition',
      (rule) => {
        const subject = Object.fromEntries(
          Object.entries(rule.places.subject).map(([kind, places]) => [
            kind,
            places.map((place) => (place.endsWith('Condition') ? `${place}?` : place)),
          ]),
        ) as Places;
        return { ...rule, places: { ...rule.places, subject } };
      },
    ],
  ])('is found: %s', { timeout: 300_000 }, (_, id, wrong) => {
    expect(hides(id, (rule) => rule)).toBe(false);
    expect(hides(id, wrong)).toBe(true);
  });
});

describe('no rule runs', () => {
  const object = (kind: string, spec: object, metadata: object = {}): KubeObject => ({
    apiVersion: { Rollout: 'argoproj.io/v1alpha1', VirtualService: 'networking.istio.io/v1' }[kind] ?? 'v1',
    kind,
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec,
  });
  const container = (fields: object): KubeObject =>
    object('Rollout', { template: { spec: { containers: [{ name: 'web', ...fields }] } } });
  const http = (timeout: string): KubeObject => object('VirtualService', { http: [{ name: 'primary', timeout }] });
  const applied = (kind: string, text: string): KubeObject =>
    object(
      kind,
      {},
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': text }, generation: text.length },
    );

  it.each<[string, KubeObject, KubeObject]>([
    ['another image', container({ image: 'web:1' }), container({ image: 'web:2' })],
    ['another value of a variable', container({ env: [{ value: 'a' }] }), container({ env: [{ value: 'b' }] })],
    ['another argument', container({ args: ['a'] }), container({ args: ['b'] })],
    ['another timeout of a route', http('10s'), http('20s')],
    ['one more label of a Service', object('Service', {}), object('Service', {}, { labels: { tier: 'web' } })],
    ['the annotation of kubectl apply', applied('Rollout', 'a'), applied('Rollout', 'ab')],
    ['the annotation of kubectl apply on a Service', applied('Service', 'a'), applied('Service', 'ab')],
  ])('for %s', (_, before, after) => {
    expect(RuleIndex.of(GATE_RULES).seeing([{ before, after }]).changed).toEqual([]);
  });

  // The arguments of an analysis can read any field of the spec, and annotations.
  it.each(['spec.template.spec.containers[0].image', "metadata.annotations['example.com/x']"])(
    'unless an analysis reads %s',
    (fieldPath) => {
      const args = [{ name: 'image', valueFrom: { fieldRef: { fieldPath } } }];
      const reading = (image: string): KubeObject =>
        object('Rollout', {
          template: { spec: { containers: [{ name: 'web', image }] } },
          strategy: { canary: { analysis: { args } } },
        });
      const { changed } = RuleIndex.of(GATE_RULES).seeing([{ before: reading('web:1'), after: reading('web:2') }]);
      expect(changed.map(({ id }) => id)).toContain('analysis-args');
    },
  );
});
