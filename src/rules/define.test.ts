import { describe, expect, it } from 'vitest';
import { keyOf, listKey, type KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import { defineRule, type Rule } from './define.ts';
import { evaluate } from './engine.ts';
import { dependsOnSome } from './finding.ts';

const KEY = Symbol('derived');
const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
});
const message = { class: 'invalid', text: 'wrong', fix: 'fix it' } as const;

function ruleThat(derive: (context: Parameters<Parameters<typeof defineRule>[0]['check']>[0]) => void) {
  return defineRule({
    id: 'test-rule',
    summary: '',
    explanation: '',
    subject: { Service: [] },
    reads: { Service: [] },
    messages: { message },
    check(context, subject) {
      context.perWorld(KEY, 'all', () => derive(context));
      context.lookup('Service', 'shop', subject.metadata.name);
      context.report('message', { path: [], anchor: '', data: {} });
    },
  });
}

describe('what a rule derives once for all subjects', () => {
  const [a, b, shared] = [service('a'), service('b'), service('shared')];
  const world = storeOf([a, b, shared]);

  it('is what the findings of each of them depend on', () => {
    let derived = 0;
    const rule = ruleThat((context) => {
      derived++;
      context.lookup('Service', 'shop', 'shared');
    });
    const { findings } = evaluate(world, [a, b], [rule]);
    expect(derived).toBe(1);
    expect(findings.map((finding) => dependsOnSome(finding, new Set([keyOf(shared)])))).toEqual([true, true]);
    expect(findings.map((finding) => dependsOnSome(finding, new Set([keyOf(a)])))).toEqual([true, false]);
  });

  it('is skipped for each of them', () => {
    const { skipped } = evaluate(world, [a, b], [ruleThat((context) => context.skip('not known'))]);
    expect(skipped.map(({ subject, reason }) => [subject.metadata.name, reason])).toEqual([
      ['a', 'not known'],
      ['b', 'not known'],
    ]);
  });

  it('counts within what is derived of it', () => {
    const inner = Symbol('inner');
    const rule = ruleThat((context) =>
      context.perWorld(inner, 'part', () => {
        context.lookup('Service', 'shop', 'shared');
        context.skip('not known');
      }),
    );
    const { findings, skipped } = evaluate(world, [a, b], [rule]);
    expect(findings.map((finding) => dependsOnSome(finding, new Set([keyOf(shared)])))).toEqual([true, true]);
    expect(skipped).toHaveLength(2);
  });
});

describe('what one more object could show to be wrong', () => {
  const SHOP = listKey('Service', 'shop');
  const FAR = listKey('Service', 'far');
  const refutable = (refutedIn?: readonly string[]) =>
    defineRule({
      id: 'test-refutable',
      summary: '',
      explanation: '',
      subject: { Service: [] },
      reads: { Service: [] },
      messages: { message, refutable: { ...message, refutedBy: ['Service'] } },
      check(context) {
        context.perWorld(KEY, 'all', () => context.list('Service', 'shop'));
        context.list('Service', 'far');
        context.report('message', { path: [], anchor: '', data: {} });
        context.report('refutable', {
          path: [],
          anchor: '',
          data: {},
          ...(refutedIn === undefined ? {} : { refutedIn }),
        });
      },
    });
  const dependsOn = (list: string, rules: readonly Rule[]): readonly [string, boolean][] =>
    evaluate(storeOf([service('a')]), [service('a')], rules)
      .findings.filter(({ rule }) => rule === 'test-refutable')
      .map((finding) => [finding.messageId, dependsOnSome(finding, new Set([list]))]);

  it('depends on the lists that were seen, and nothing else that was found does', () => {
    for (const list of [SHOP, FAR])
      expect(dependsOn(list, [refutable()])).toEqual([
        ['message', false],
        ['refutable', true],
      ]);
  });

  it('depends only on lists of the namespaces that it names', () => {
    expect(dependsOn(SHOP, [refutable(['far'])])).toContainEqual(['refutable', false]);
    expect(dependsOn(FAR, [refutable(['far'])])).toContainEqual(['refutable', true]);
  });

  it('depends on a list that a rule without such messages has derived something of', () => {
    const first = ruleThat((context) => context.list('Service', 'shop'));
    expect(dependsOn(SHOP, [first, refutable()])).toContainEqual(['refutable', true]);
  });
});
