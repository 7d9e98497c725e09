import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analysesOf, nestedTemplates, resolveTemplates, TEMPLATE_KINDS } from './analysis.ts';
import { combinedTemplatesOf, type CombinedTemplates, type ReverseLookups } from './combined-templates.ts';
import { keyFor, kindOf, type KindId, type KubeObject } from './object.ts';
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

function world(...objects: KubeObject[]): ReverseLookups {
  const store = storeOf(objects);
  const derived = new Map<symbol, Map<unknown, unknown>>();
  return {
    skip: () => undefined,
    spend: () => undefined,
    find: (kind, namespace, name) => {
      const found = store.get(kind, namespace, name);
      return found.state === 'present' ? found.object : undefined;
    },
    referrers: (from, kind, namespace, name) =>
      store.referrers(keyFor(kind, namespace, name)).filter((object) => kindOf(object) === from),
    perWorld: <V>(key: symbol, part: unknown, derive: () => V): V => {
      const ofKey = derived.get(key) ?? new Map<unknown, unknown>();
      derived.set(key, ofKey);
      if (!ofKey.has(part)) ofKey.set(part, derive());
      return ofKey.get(part) as V;
    },
  };
}

describe('combinedTemplatesOf', () => {
  it('is what a template is combined with, above, below and beside it', () => {
    const a = template('a', combining('below'));
    const lookups = world(
      a,
      template('below'),
      template('above', combining('a')),
      template('beside'),
      template('alone'),
      rollout({ canary: { steps: [{ analysis: combining('above', 'beside') }, { analysis: combining('alone') }] } }),
    );
    const { templates, complete, used } = combinedTemplatesOf(a, lookups);
    expect(templates.map(({ metadata }) => metadata.name).sort()).toEqual(['a', 'above', 'below', 'beside']);
    expect([complete, used]).toEqual([true, true]);
    expect(combinedTemplatesOf(a, world(a))).toMatchObject({ complete: false, used: false });
  });

  it('knows a namespaced template that a cluster-scoped one combines', () => {
    const a = template('a');
    const { templates, used } = combinedTemplatesOf(a, world(a, clusterTemplate('cluster-x', combining('a'))));
    expect([templates.length, used]).toEqual([2, true]);
  });

  it('is what looking at each template by itself finds', () => {
    fc.assert(
      fc.property(setUps, (objects) => {
        for (const each of objects.filter(({ kind }) => kind.endsWith('Template'))) {
          const { templates, complete, used } = combinedTemplatesOf(each, world(...objects));
          const alone = byItself(each, objects);
          expect([titles(templates), complete, used]).toEqual([titles(alone.templates), alone.complete, alone.used]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is one list for all templates of an analysis, a chain and a circle', () => {
    const shared = (objects: readonly KubeObject[]): number => {
      const lookups = world(...objects);
      const all = objects.filter(({ kind }) => kind === 'AnalysisTemplate');
      return new Set(all.map((each) => combinedTemplatesOf(each, lookups).templates)).size;
    };
    const using = rollout({ canary: { analysis: combining('a') } });
    expect(shared([template('a'), template('b'), rollout({ canary: { analysis: combining('a', 'b') } })])).toBe(1);
    expect(shared([template('a', combining('b')), template('b', combining('c')), template('c'), using])).toBe(1);
    expect(shared([template('a', combining('b')), template('b', combining('a'))])).toBe(1);
  });
});

const NAMES = ['a', 'b', 'c', 'd', 'cluster-x', 'cluster-y'];
const names = fc.subarray(NAMES, { maxLength: 2 });
const steps = fc.array(
  names.map((each) => ({ analysis: combining(...each) })),
  { maxLength: 3 },
);
const setUps = fc
  .record({
    present: fc.subarray(NAMES, { minLength: 2 }),
    nested: fc.array(fc.oneof(fc.constant([]), names), { minLength: NAMES.length, maxLength: NAMES.length }),
    first: steps,
    second: steps,
    namespace: fc.constantFrom('shop', 'other'),
  })
  .map(({ present, nested, first, second, namespace }): KubeObject[] => [
    ...present.map((name, index) =>
      (name.startsWith('cluster-') ? clusterTemplate : template)(name, combining(...(nested[index] ?? []))),
    ),
    rollout({ canary: { steps: first } }),
    { ...rollout({ canary: { steps: second } }), metadata: { name: 'second', namespace } },
  ]);

// The definition, without anything shared.
function byItself(subject: KubeObject, objects: readonly KubeObject[]): CombinedTemplates {
  const lookups = world(...objects);
  const owners = (of: KubeObject, kinds: readonly KindId[]): KubeObject[] =>
    kinds.flatMap((kind) =>
      [...new Set([of.metadata.namespace ?? '', ''])].flatMap((namespace) =>
        lookups.referrers(kind, kindOf(of) as KindId, namespace, of.metadata.name),
      ),
    );
  const ancestors = new Set([subject]);
  for (const each of ancestors) for (const parent of owners(each, TEMPLATE_KINDS)) ancestors.add(parent);
  const holders = new Set([...ancestors].flatMap((each) => owners(each, ['Rollout.argoproj.io'])));
  const lists = [
    ...[...ancestors].map((each) =>
      resolveTemplates(nestedTemplates(each), each.metadata.namespace ?? subject.metadata.namespace ?? '', lookups),
    ),
    ...[...holders].flatMap((holder) =>
      analysesOf(holder)
        .filter(({ templates }) =>
          templates.some((ref) =>
            [...ancestors].some(
              (each) =>
                kindOf(each) === ref.kind &&
                each.metadata.name === ref.name &&
                [undefined, holder.metadata.namespace].includes(each.metadata.namespace),
            ),
          ),
        )
        .map(({ templates }) => resolveTemplates(templates, holder.metadata.namespace ?? '', lookups)),
    ),
  ];
  return {
    templates: [...new Set([...ancestors, ...lists.flatMap(({ templates }) => templates)])],
    complete: lists.every(({ complete }) => complete),
    used: ancestors.size > 1 || holders.size > 0,
  };
}

function titles(templates: readonly KubeObject[]): string[] {
  return templates.map(({ metadata }) => metadata.name).sort();
}
