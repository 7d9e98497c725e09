import { describe, expect, it } from 'vitest';
import { analysesOf, combineArgs, knownValues, resolveTemplates, type Lookups } from './analysis.ts';
import type { KubeObject } from './object.ts';
import { storeOf } from './store.ts';

const apiVersion = 'argoproj.io/v1alpha1';
const template = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion,
  kind: 'AnalysisTemplate',
  metadata: { name, namespace: 'shop' },
  spec,
});
const clusterTemplate = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion,
  kind: 'ClusterAnalysisTemplate',
  metadata: { name },
  spec,
});
const combining = (...names: string[]): Record<string, unknown> => ({
  templates: names.map((name) =>
    name.startsWith('cluster-') ? { templateName: name, clusterScope: true } : { templateName: name },
  ),
});
const rollout = (strategy: unknown): KubeObject => ({
  apiVersion,
  kind: 'Rollout',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec: { strategy },
});

function world(...objects: KubeObject[]): Lookups & { readonly skips: string[] } {
  const store = storeOf(objects);
  const skips: string[] = [];
  return {
    skips,
    skip: (reason) => skips.push(reason),
    spend: () => undefined,
    find: (kind, namespace, name) => {
      const found = store.get(kind, namespace, name);
      return found.state === 'present' ? found.object : undefined;
    },
  };
}

const resolved = (lookups: Lookups, ...names: string[]): unknown => {
  const [analysis] = analysesOf(rollout({ canary: { analysis: combining(...names) } }));
  const { templates, complete } = resolveTemplates(analysis?.templates ?? [], 'shop', lookups);
  return [templates.map(({ metadata }) => metadata.name).join(' '), complete];
};

describe('analysesOf', () => {
  it('lists what the controller would run, and only of one strategy', () => {
    const canary = {
      analysis: combining('a'),
      steps: [
        { analysis: combining('b') },
        { pause: {} },
        { experiment: { analyses: [{ name: 'x', templateName: 'c' }] } },
      ],
    };
    const blueGreen = { prePromotionAnalysis: combining('d'), postPromotionAnalysis: combining('e') };
    expect(analysesOf(rollout({ canary })).map(({ anchor }) => anchor)).toEqual([
      'background a',
      'step b',
      'experiment x c',
    ]);
    expect(analysesOf(rollout({ canary, blueGreen })).map(({ anchor }) => anchor)).toEqual([
      'prePromotion d',
      'postPromotion e',
    ]);
  });

  it.each([
    null,
    5,
    'x',
    [],
    [[]],
    { analysis: 5 },
    { analysis: { templates: {}, args: 'x', dryRun: [5] } },
    { steps: [null, { analysis: [] }, { experiment: { analyses: [null, 7] } }] },
  ])('reads %j without a fuss', (canary) => {
    expect(analysesOf(rollout({ canary })).flatMap(({ templates, args }) => [...templates, ...args])).toEqual([]);
  });

  it('takes an argument of a Rollout without value and source for the empty string', () => {
    const args = [
      { name: 'a' },
      { name: 'b', value: 'x' },
      { name: 'c', valueFrom: { podTemplateHashValue: 'Latest' } },
      { name: 'd', value: 'x', valueFrom: {} },
    ];
    expect(analysesOf(rollout({ canary: { analysis: { args } } }))[0]?.args.map(({ value }) => value)).toEqual([
      '',
      'x',
      undefined,
      'x',
    ]);
  });
});

describe('resolveTemplates', () => {
  it('goes depth first, each once, namespaced before cluster-scoped', () => {
    const lookups = world(
      template('a', combining('cluster-x', 'b')),
      template('b', combining('c')),
      template('c'),
      template('d', combining('c')),
      clusterTemplate('cluster-x', combining('d')),
    );
    expect(resolved(lookups, 'a', 'c')).toEqual(['a d c b cluster-x', true]);
    expect(resolved(lookups, 'a', 'missing')).toEqual(['a d c b cluster-x', false]);
  });

  it('comes to an end in a circle, and in any number of diamonds', () => {
    expect(resolved(world(template('a', combining('b')), template('b', combining('a'))), 'a')).toEqual(['a b', true]);
    const levels = Array.from({ length: 60 }, (_, level) => [
      template(`l${level}`, combining(`l${level + 1}`, `r${level + 1}`)),
      template(`r${level}`, combining(`l${level + 1}`, `r${level + 1}`)),
    ]);
    expect(resolved(world(...levels.flat(), template('l60'), template('r60')), 'l0')).toEqual([
      expect.stringContaining('l60 r60'),
      true,
    ]);
  });

  it('gives up, and says so, where nobody would combine as many', () => {
    const chain = Array.from({ length: 300 }, (_, index) => template(`t${index}`, combining(`t${index + 1}`)));
    const lookups = world(...chain);
    expect(resolved(lookups, 't0')).toEqual([expect.any(String), false]);
    expect(lookups.skips).toEqual(['more than 200 templates are combined']);
  });
});

describe('combineArgs', () => {
  const arg = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({ name, ...more });
  const combined = (...lists: Record<string, unknown>[][]): ReturnType<typeof combineArgs> =>
    combineArgs(lists.map((args, index) => template(`t${index}`, { args })));

  it('lets the first value stand, and a later declaration replace one without', () => {
    const secret = { valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    const { args, conflicts } = combined(
      [arg('a', { value: '1' }), arg('b'), arg('c', secret)],
      [arg('a'), arg('b', { value: '2' }), arg('c')],
    );
    expect([...args.values()].map(({ name, value, hasValueFrom }) => [name, value, hasValueFrom])).toEqual([
      ['a', '1', false],
      ['b', '2', false],
      ['c', undefined, false],
    ]);
    expect(conflicts).toEqual([]);
  });

  it('finds different values, and no others', () => {
    expect(combined([arg('a', { value: '1' })], [arg('a', { value: '1' })]).conflicts).toEqual([]);
    expect(combined([arg('a', { value: '' })], [arg('a', { value: '1' })]).conflicts).toHaveLength(1);
  });

  it('knows the values that are supplied before the defaults, and none of a Secret', () => {
    const { args } = combined([
      arg('a', { value: '1' }),
      arg('b', { value: '2' }),
      arg('c', { value: '3' }),
      arg('s', { valueFrom: { secretKeyRef: {} } }),
    ]);
    const [analysis] = analysesOf(
      rollout({
        canary: {
          analysis: {
            args: [
              { name: 'b', value: 'x' },
              { name: 'c', valueFrom: { fieldRef: {} } },
              { name: 's', value: 'x' },
              { name: 'z', value: 'x' },
            ],
          },
        },
      }),
    );
    const valueOf = knownValues(args, analysis?.args);
    expect(['a', 'b', 'c', 's', 'z'].map(valueOf)).toEqual(['1', 'x', undefined, undefined, undefined]);
  });
});
