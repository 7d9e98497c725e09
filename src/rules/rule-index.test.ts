import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import type { Places } from '../world/place.ts';
import type { Rule } from './define.ts';
import { RuleIndex } from './rule-index.ts';

function rule(id: string, subject: Places, reads: Places): Rule {
  const kinds = { subject: Object.keys(subject), reads: Object.keys(reads) };
  return { id, ...kinds, places: { subject, reads } } as unknown as Rule;
}

function service(spec: object, metadata: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop', ...metadata }, spec };
}

describe('RuleIndex', () => {
  const rules = [
    rule('alone', { 'Rollout.argoproj.io': ['spec.paused'] }, {}),
    rule('across', { 'Rollout.argoproj.io': ['spec'], Service: ['metadata.labels'] }, { Service: ['spec.ports'] }),
    rule('other', { 'Experiment.argoproj.io': [] }, { 'Ingress.networking.k8s.io': [] }),
    rule('type', { 'Rollout.argoproj.io': [] }, { Service: ['spec.type?'] }),
  ];

  it('is made once for a list of rules', () => {
    expect(RuleIndex.of(rules)).toBe(RuleIndex.of(rules));
    expect(RuleIndex.of([...rules])).not.toBe(RuleIndex.of(rules));
  });

  it('finds rules by the kind of their subjects', () => {
    const { alone, across } = RuleIndex.of(rules).forSubject('Rollout.argoproj.io');
    expect([alone, across].map((found) => found.map(({ id }) => id))).toEqual([['alone'], ['across', 'type']]);
    expect(RuleIndex.of(rules).forSubject('ConfigMap')).toEqual({ alone: [], across: [] });
    expect(
      RuleIndex.of(rules)
        .forSubject('Service')
        .across.map(({ id }) => id),
    ).toEqual(['across']);
  });

  const ids = (before: KubeObject | undefined, after: KubeObject | undefined): string[][] => {
    const { changed, others } = RuleIndex.of(rules).seeing([{ before, after }]);
    return [changed, others].map((found) => found.map(({ id }) => id));
  };
  const ports = (...list: number[]): object => ({ ports: list.map((port) => ({ port })) });

  it.each<[string, KubeObject | undefined, KubeObject | undefined, string[], string[]]>([
    ['an object that comes', undefined, service({}), ['across', 'type'], ['across', 'type']],
    ['an object that goes', service({}), undefined, ['across', 'type'], ['across', 'type']],
    ['a place of other objects', service(ports(80)), service(ports(81)), ['across'], ['across']],
    ['an item that comes', service(ports(80)), service(ports(80, 81)), ['across'], ['across']],
    ['a place of the subject', service({}), service({}, { labels: { app: 'web' } }), ['across'], []],
    ['a value that comes', service({}), service({ type: 'NodePort' }), ['type'], ['type']],
    ['another type of value', service({ type: 1 }), service({ type: 'NodePort' }), ['type'], ['type']],
    ['a value of which the presence counts', service({ type: 'ClusterIP' }), service({ type: 'NodePort' }), [], []],
    ['another place', service({ sessionAffinity: 'None' }), service({ sessionAffinity: 'ClientIP' }), [], []],
    ['what is above places', service(ports(80)), { ...service({}), spec: [] }, ['across', 'type'], ['across', 'type']],
    ['nothing', service(ports(80)), service(ports(80)), [], []],
    [
      'a deletion that begins',
      service({}),
      service({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ['across', 'type'],
      ['across', 'type'],
    ],
  ])('finds the rules that see %s', (_, before, after, changed, others) => {
    expect(ids(before, after)).toEqual([changed, others]);
  });

  describe('of steps that come and go', () => {
    const ofSteps = [
      rule('all', { 'Rollout.argoproj.io': ['spec.strategy.canary.steps'] }, {}),
      rule('analyses', { 'Rollout.argoproj.io': ['spec.strategy.canary.steps[*].analysis'] }, {}),
      rule('weights', {}, { 'Rollout.argoproj.io': ['spec.strategy.canary.steps[*].setWeight'] }),
      rule('ports', {}, { 'Rollout.argoproj.io': ['spec.template.spec.containers[*].ports'] }),
    ];
    const rollout = (steps: readonly unknown[], containers: readonly unknown[] = []): KubeObject => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { strategy: { canary: { steps } }, template: { spec: { containers } } },
    });
    const [weight, pause, analysis] = [{ setWeight: 20 }, { pause: {} }, { analysis: { args: [] } }];

    it.each<[string, readonly unknown[], readonly unknown[], readonly string[]]>([
      ['a step of another sort', [analysis], [pause, analysis], ['all']],
      ['a step of another sort between two', [analysis, weight], [analysis, pause, weight], ['all']],
      ['a step of their sort', [analysis, pause], [analysis, weight, pause], ['all', 'weights']],
      ['one that repeats the last', [weight, weight], [weight, weight, weight], ['all', 'weights']],
      ['one for another', [analysis, pause], [weight], ['all', 'analyses', 'weights']],
      ['an empty one', [analysis], [analysis, {}], ['all']],
      ['what is no step', [analysis], [analysis, 'pause'], ['all', 'analyses', 'weights']],
      ['another value in a step that stays', [analysis, pause], [{ analysis: {} }], ['all', 'analyses']],
      ['another order', [analysis, weight], [weight, analysis], ['all', 'analyses', 'weights']],
    ])('finds those that see %s', (_, before, after, expected) => {
      const seeing = (change: { before: KubeObject; after: KubeObject }): string[] =>
        RuleIndex.of(ofSteps)
          .seeing([change])
          .changed.map(({ id }) => id);
      expect(seeing({ before: rollout(before), after: rollout(after) })).toEqual(expected);
      expect(seeing({ before: rollout(after), after: rollout(before) })).toEqual(expected);
    });

    it('finds all that read any item of another list', () => {
      const [before, after] = [rollout([], [{ image: 'web' }]), rollout([], [{ image: 'web' }, { image: 'proxy' }])];
      const { changed } = RuleIndex.of(ofSteps).seeing([{ before, after }]);
      expect(changed.map(({ id }) => id)).toEqual(['ports']);
    });
  });

  it('finds the same lists again, whatever the order of the changes', () => {
    const index = RuleIndex.of(rules);
    const one = { before: service({}), after: service(ports(80)) };
    const other = { before: service({}), after: service({ type: 'NodePort' }) };
    expect(index.seeing([one, other])).toBe(index.seeing([other, one]));
  });

  it('lets all rules see what has too many values, or too many levels', () => {
    const wide = Array.from({ length: 60_000 }, (_, index) => ({ label: `${index}` }));
    expect(ids(service({ externalIPs: wide }), service({ externalIPs: [...wide.slice(1), {}] }))).toEqual([[], []]);
    const many = (name: string): KubeObject => service({ ports: wide.map(() => ({ name })) });
    expect(ids(many('a'), many('a'))).toEqual([
      ['across', 'type'],
      ['across', 'type'],
    ]);
    const deep = (value: unknown): unknown => Array.from({ length: 300 }).reduce((inner) => ({ inner }), value);
    expect(ids(service({ ports: deep(1) }), service({ ports: deep(1) }))).toEqual([['across'], ['across']]);
  });
});
