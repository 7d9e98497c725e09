import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { ingressWeights } from './ingress-weights.ts';

const keep = ingressWeights;

const ACTION = 'alb.ingress.kubernetes.io/actions.root';
const LIST = 'rollouts.argoproj.io/managed-alb-annotations';
const HEADER = {
  action: 'alb.ingress.kubernetes.io/actions.m-header',
  conditions: 'alb.ingress.kubernetes.io/conditions.m-header',
};
const SERVICES = 'stableService: stable, canaryService: canary, ';
const MID = 'currentPodHash: new, stableRS: old';

interface RolloutOptions {
  readonly name?: string;
  readonly services?: string;
  readonly alb?: string;
  readonly managed?: string;
  readonly weight?: number | undefined;
  readonly weights?: string;
  readonly status?: string;
}

function rollout(options: RolloutOptions = {}): KubeObject {
  const { name = 'web', services = SERVICES, alb = '', managed = '', status = MID } = options;
  const weight = 'weight' in options ? options.weight : 20;
  const weights =
    options.weights ??
    (weight === undefined
      ? ''
      : `canary: {weight: ${weight}, podTemplateHash: new, serviceName: canary}, stable: {weight: ${100 - weight}, podTemplateHash: old, serviceName: stable}`);
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: ${name}, namespace: shop}
spec: {strategy: {canary: {${services}
  steps: [{setHeaderRoute: {name: m-header, match: [{headerName: x, headerValue: {exact: "1"}}]}}, {pause: {}}],
  trafficRouting: {managedRoutes: [${managed}], alb: {ingress: web, rootService: root, servicePort: 80${alb}}}}}}
status: {${status}, currentStepIndex: 1, canary: {${weights === '' ? '' : `weights: {${weights}}`}}}
`);
}

const group = (name: string, weight: number): object => ({ ServiceName: name, ServicePort: '80', Weight: weight });
/** Returns an action as the controller writes it. */
const action = (canary: number, stable = 100 - canary, more: readonly object[] = []): string =>
  JSON.stringify({
    Type: 'forward',
    ForwardConfig: { TargetGroups: [group('canary', canary), ...more, group('stable', stable)] },
  });
/** Returns an action as people write it. */
const written = (canary: number, stable = 100 - canary, port: unknown = 80): string =>
  JSON.stringify({
    type: 'forward',
    forwardConfig: {
      targetGroups: [
        { serviceName: 'canary', servicePort: port, weight: canary },
        { serviceName: 'stable', servicePort: port, weight: stable },
      ],
    },
  });

type Path = readonly [string, string];
const ROOT: Path = ['/*', 'root'];
const MANAGED: Path = ['/*', 'm-header'];

function ingress(
  annotations: Record<string, string> | undefined,
  hosts: Record<string, readonly Path[]> = { a: [ROOT] },
  more: Record<string, unknown> = {},
): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop', ...(annotations === undefined ? {} : { annotations }), ...more },
    spec: {
      ingressClassName: 'alb',
      rules: Object.entries(hosts).map(([host, paths]) => ({
        host,
        http: {
          paths: paths.map(([path, name]) => ({
            path,
            pathType: 'ImplementationSpecific',
            backend: { service: { name, port: { name: 'use-annotation' } } },
          })),
        },
      })),
    },
  };
}

const writtenBy = (manager: string, key = ACTION): Record<string, unknown> => ({
  managedFields: [
    { manager, operation: 'Update', fieldsV1: { 'f:metadata': { 'f:annotations': { [`f:${key}`]: {} } } } },
  ],
});

/** Runs the keep for a request of a field manager. */
function applyAs(manager: string, submitted: KubeObject, old: KubeObject, subject: KubeObject): string[] {
  const { operations, notes } = apply(
    { ...keep, keep: (input) => keep.keep({ ...input, manager }) },
    submitted,
    old,
    subject,
  );
  return [...operations.map((operation) => JSON.stringify(operation)), ...notes];
}

describe('ingress-weights', () => {
  it('puts the action and the list of managed annotations back, and lets all else through', () => {
    const list = `{"web":["${ACTION}"]}`;
    const stored = ingress({ [ACTION]: action(30), [LIST]: list, 'alb.ingress.kubernetes.io/scheme': 'internal' });
    const submitted = ingress(
      { 'alb.ingress.kubernetes.io/scheme': 'internet-facing', team: 'a' },
      { a: [ROOT, ['/v2', 'other']], b: [ROOT] },
    );
    const { object, notes } = apply(keep, submitted, stored, rollout({ weight: 30 }));
    expect(object).toEqual({
      ...submitted,
      metadata: {
        ...submitted.metadata,
        annotations: {
          'alb.ingress.kubernetes.io/scheme': 'internet-facing',
          team: 'a',
          [ACTION]: action(30),
          [LIST]: list,
        },
      },
    });
    expect(notes).toEqual(['weights stable 70, canary 30 in action "root", the list of managed annotations']);
  });

  it('puts them back where no annotation was submitted at all', () => {
    const stored = ingress({ [ACTION]: action(30), [LIST]: `{"web":["${ACTION}"]}` });
    const { object, operations } = apply(keep, ingress(undefined), stored, rollout({ weight: 30 }));
    expect(operations).toHaveLength(1);
    expect(object).toEqual(stored);
  });

  it('takes the stored action also where the file has one with other weights', () => {
    const { object } = apply(
      keep,
      ingress({ [ACTION]: written(0) }),
      ingress({ [ACTION]: action(30) }),
      rollout({ weight: 30 }),
    );
    expect(object).toEqual(ingress({ [ACTION]: action(30) }));
  });

  it.each([80, '80'])('leaves an action that means the same, with the port %j', (port) => {
    const written30 = JSON.stringify({
      type: 'forward',
      forwardConfig: {
        targetGroups: [
          { serviceName: 'canary', servicePort: port, weight: 30 },
          { serviceName: 'stable', servicePort: port, weight: 70 },
        ],
      },
    });
    const { operations } = apply(
      keep,
      ingress({ [ACTION]: written30 }),
      ingress({ [ACTION]: action(30) }),
      rollout({ weight: 30 }),
    );
    expect(operations).toEqual([]);
  });

  it('keeps the weight of an experiment, and stickiness', () => {
    const sticky = JSON.stringify({
      Type: 'forward',
      ForwardConfig: {
        TargetGroups: [group('canary', 20), group('exp', 10), group('stable', 70)],
        TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 },
      },
    });
    const weights = 'canary: {weight: 20}, stable: {weight: 70}, additional: [{serviceName: exp, weight: 10}]';
    const { object, notes } = apply(keep, ingress({}), ingress({ [ACTION]: sticky }), rollout({ weights }));
    expect(object).toEqual(ingress({ [ACTION]: sticky }));
    expect(notes).toEqual(['weights stable 70, canary 20, exp 10 in action "root"']);
    const created = apply(
      keep,
      ingress({}),
      undefined,
      rollout({ weights, alb: ', stickinessConfig: {enabled: true, durationSeconds: 60}' }),
    );
    expect(created.object).toEqual(ingress({ [ACTION]: sticky }));
  });

  it.each([
    ['the sum of the stored weights is 0', action(0, 0)],
    [
      'there is one stored target group',
      JSON.stringify({ Type: 'forward', ForwardConfig: { TargetGroups: [group('stable', 100)] } }),
    ],
    ['a stored weight is missing', action(20).replace(',"Weight":80', '')],
    ['the stored action is no forward', '{"Type":"redirect"}'],
    ['the stored action is no JSON', '{'],
  ])('writes the weights of the status where %s', (_, text) => {
    const { object } = apply(keep, ingress({ [ACTION]: written(0) }), ingress({ [ACTION]: text }), rollout());
    expect(object).toEqual(ingress({ [ACTION]: action(20) }));
  });

  it('writes the weights of the status into an Ingress that is made again', () => {
    const { object } = apply(keep, ingress({ [ACTION]: written(0) }), undefined, rollout());
    expect(object).toEqual(ingress({ [ACTION]: action(20) }));
  });

  it.each([
    ['the status has no weights', rollout({ weight: undefined }), ingress({})],
    [
      'the Rollout uses another Ingress',
      rollout({ name: 'web', alb: '' }),
      { ...ingress({}), metadata: { name: 'other', namespace: 'shop' } },
    ],
    ['no rule has the Service of the action', rollout(), ingress({}, { a: [['/*', 'stable']] })],
  ])('keeps nothing where %s', (_, subject, submitted) => {
    expect(apply(keep, submitted, ingress({ [ACTION]: action(20) }), subject).operations).toEqual([]);
  });

  it('is the action of the stable Service where there is no root Service, under the prefix of the Rollout', () => {
    const key = 'elb.example.com/actions.stable';
    const subject = rollout({ alb: ', annotationPrefix: elb.example.com' });
    const text = JSON.stringify(subject).replace('"rootService":"root",', '');
    const paths: Record<string, readonly Path[]> = { a: [['/*', 'stable']] };
    const { object } = apply(
      keep,
      ingress({}, paths),
      ingress({ [key]: action(20) }, paths),
      JSON.parse(text) as KubeObject,
    );
    expect(object).toEqual(ingress({ [key]: action(20) }, paths));
  });

  describe('a write that Rollgate missed', () => {
    const stored = (manager: string): KubeObject => ingress({ [ACTION]: written(0) }, undefined, writtenBy(manager));
    const again = ingress({ [ACTION]: written(0) });

    it('is not kept where the same client writes it again', () => {
      expect(applyAs('kubectl', again, stored('kubectl'), rollout())).toEqual([
        JSON.stringify({
          op: 'replace',
          path: `/metadata/annotations/${ACTION.replaceAll('/', '~1')}`,
          value: action(20),
        }),
        'weights stable 80, canary 20 in action "root" from the status: the stored ones are of an earlier write by the same client',
      ]);
    });

    it.each(['rollouts-controller', 'somebody'])('is not a write of %s', (manager) => {
      expect(applyAs('kubectl', again, stored(manager), rollout())).toEqual([]);
    });

    it('shows both weights where nobody knows who wrote the stored ones', () => {
      const [, note] = applyAs('kubectl', ingress({}), stored('somebody'), rollout());
      expect(note).toBe(
        'weights stable 100, canary 0 in action "root", as stored; the status of the Rollout has canary 20',
      );
    });
  });

  describe('header routes', () => {
    const subject = rollout({ managed: '{name: m-header}' });
    const list = `{"web":["${ACTION}","${HEADER.action}","${HEADER.conditions}"]}`;
    const annotations = { [ACTION]: action(20), [HEADER.action]: 'a', [HEADER.conditions]: 'c', [LIST]: list };
    const stored = ingress(annotations, { a: [MANAGED, ROOT], b: [MANAGED, ROOT] });

    it('come back first in every rule, with their annotations', () => {
      const submitted = ingress({ team: 'a' }, { b: [['/new', 'other'], ROOT], a: [ROOT] });
      const { object, notes } = apply(keep, submitted, stored, subject);
      expect(object).toEqual(
        ingress({ team: 'a', ...annotations }, { b: [MANAGED, ['/new', 'other'], ROOT], a: [MANAGED, ROOT] }),
      );
      expect(notes).toEqual([
        'weights stable 80, canary 20 in action "root", header route "m-header" of the update in progress, the list of managed annotations',
      ]);
    });

    it('come also into the rule of a new host, if they are in all', () => {
      const { object } = apply(keep, ingress(annotations, { c: [ROOT] }), stored, subject);
      expect(object).toEqual(ingress(annotations, { c: [MANAGED, ROOT] }));
      const one = ingress(annotations, { a: [MANAGED, ROOT], b: [ROOT] });
      const submitted = ingress(annotations, { a: [MANAGED, ROOT], c: [ROOT] });
      expect(apply(keep, submitted, one, subject).operations).toEqual([]);
    });

    // A tenant can store as many paths, and then submit as many hosts.
    it.each([
      ['new hosts', (index: number) => `new-${index}`],
      ['rules of the same host', () => 'a'],
    ])('are not copied into %s without limit', (_, hostOf) => {
      const many = ingress(annotations, { a: [...Array.from({ length: 300 }, () => MANAGED), ROOT] });
      const [rule] = (ingress({}, { a: [ROOT] })['spec'] as { rules: object[] }).rules;
      const rules = Array.from({ length: 300 }, (__, index) => ({ ...rule, host: hostOf(index) }));
      const submitted = { ...ingress(annotations), spec: { rules } };
      expect(apply(keep, submitted, many, subject).operations.length).toBeLessThanOrEqual(300);
    });

    it('are moved before what was put before them', () => {
      const submitted = ingress(annotations, { a: [['/new', 'other'], MANAGED, ROOT], b: [MANAGED, ROOT] });
      const { object } = apply(keep, submitted, stored, subject);
      expect(object).toEqual(ingress(annotations, { a: [MANAGED, ['/new', 'other'], ROOT], b: [MANAGED, ROOT] }));
    });

    it('stay where they are stored', () => {
      const odd = ingress(annotations, { a: [ROOT, MANAGED] });
      expect(apply(keep, odd, odd, subject).operations).toEqual([]);
    });

    it.each([
      ['the Rollout no longer manages them', rollout()],
      ['the update is over', rollout({ managed: '{name: m-header}', status: 'currentPodHash: old, stableRS: old' })],
      ['the update was aborted', rollout({ managed: '{name: m-header}', status: `${MID}, abort: true` })],
    ])('are gone where %s', (_, other) => {
      const submitted = ingress({ [ACTION]: action(20), [LIST]: list });
      expect(apply(keep, submitted, stored, other).operations).toEqual([]);
    });
  });

  // The controller reads lists of texts, and an error of all else.
  it.each([
    ['a number', '{"web":1}'],
    ['a list of numbers', '{"web":[1]}'],
    ['a list that is deeper than the stack', `{"web":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ])('leaves an invalid list of managed annotations as it is: %s', (_, text) => {
    const [valid, invalid] = ['{"web":["y"]}', text].map((list) => ingress({ [ACTION]: action(20), [LIST]: list }));
    if (valid === undefined || invalid === undefined) throw new Error('no Ingress');
    const twice = ingress({ [ACTION]: action(20), [LIST]: `${text} ` });
    for (const [submitted, stored] of [
      [valid, invalid],
      [invalid, valid],
      [twice, invalid],
    ] as const)
      expect(apply(keep, submitted, stored, rollout()).operations).toEqual([]);
  });

  it('keeps the entries of all Rollouts in the list of managed annotations', () => {
    const other = { ...rollout({ name: 'api' }), spec: rollout()['spec'] } as KubeObject;
    const stored = ingress({ [ACTION]: action(20), [LIST]: '{"api":["x"],"gone":["z"],"web":["y"]}' });
    const { object } = apply(keep, ingress({ [ACTION]: action(20), [LIST]: '{"new":["n"]}' }), stored, other, [
      rollout(),
    ]);
    // The first Rollout keeps it for all, and this is not the first.
    expect(object.metadata['annotations']).toEqual({ [ACTION]: action(20), [LIST]: '{"new":["n"]}' });
    const first = apply(keep, ingress({ [ACTION]: action(20), [LIST]: '{"new":["n"]}' }), stored, rollout(), []);
    expect(first.object.metadata['annotations']).toEqual({
      [ACTION]: action(20),
      [LIST]: '{"new":["n"],"web":["y"]}',
    });
  });
});
