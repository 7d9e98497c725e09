import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { serviceHash } from './service-hash.ts';

const MANAGED = 'argo-rollouts.argoproj.io/managed-by-rollouts';
const ROUTED = 'stableService: web, canaryService: web-canary, trafficRouting: {nginx: {stableIngress: web}}';
const UNROUTED = 'stableService: web, canaryService: web-canary';
const PING_PONG =
  'pingPong: {pingService: web, pongService: web-canary}, trafficRouting: {alb: {ingress: web, rootService: root}}';
const MID = 'currentPodHash: new, stableRS: old, replicas: 6, updatedReplicas: 1, availableReplicas: 6';

function rollout(strategy: string, status: string, replicas = 5): KubeObject {
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {replicas: ${replicas}, strategy: {${strategy}}}
status: {${status}}
`);
}

const canary = (fields: string, status: string): KubeObject => rollout(`canary: {${fields}}`, status);

function service(
  name: string,
  hash: string | undefined,
  options: { annotations?: string; selector?: string; spec?: string } = {},
): KubeObject {
  const {
    annotations = '',
    selector = `{app: web${hash === undefined ? '' : `, rollouts-pod-template-hash: ${hash}`}}`,
    spec = '',
  } = options;
  return yaml(`
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, annotations: {${annotations}}}
spec: {ports: [{port: 80}], selector: ${selector}${spec === '' ? '' : `, ${spec}`}}
`);
}

const managed = { annotations: `${MANAGED}: web` };

function hashOf(object: KubeObject): unknown {
  return (object['spec'] as { selector: Record<string, string> }).selector['rollouts-pod-template-hash'];
}

describe('service-hash', () => {
  it('puts the stored hash and the stored annotation back into an apply, and lets the rest through', () => {
    const submitted = service('web', undefined, { annotations: 'team: a', selector: '{app: web, tier: front}' });
    const { object, operations, notes } = apply(
      serviceHash,
      submitted,
      service('web', 'old', managed),
      canary(ROUTED, MID),
    );
    expect(operations).toEqual([
      { op: 'add', path: '/spec/selector/rollouts-pod-template-hash', value: 'old' },
      { op: 'add', path: '/metadata/annotations/argo-rollouts.argoproj.io~1managed-by-rollouts', value: 'web' },
    ]);
    expect(notes).toEqual(['hash old in the selector (stable), the managed-by annotation']);
    expect(object).toEqual(
      service('web', undefined, {
        annotations: `team: a, ${MANAGED}: web`,
        selector: '{app: web, tier: front, rollouts-pod-template-hash: old}',
      }),
    );
  });

  it('adds no annotation that the stored Service did not have: it would switch off the guard of the controller', () => {
    const { object } = apply(serviceHash, service('web', undefined), service('web', 'old'), canary(ROUTED, MID));
    expect(object).toEqual(service('web', 'old'));
  });

  it('adds annotation and hash to a new Service', () => {
    expect(apply(serviceHash, service('web', undefined), undefined, canary(ROUTED, MID)).object).toEqual(
      service('web', 'old', managed),
    );
  });

  it('does nothing where all is in place', () => {
    expect(
      apply(
        serviceHash,
        service('web-canary', 'new', managed),
        service('web-canary', 'new', managed),
        canary(ROUTED, MID),
      ).operations,
    ).toEqual([]);
  });

  const recorded = (weight: number, hash = 'new'): string =>
    `canary: {weights: {canary: {weight: ${weight}, podTemplateHash: ${hash}}, stable: {weight: ${100 - weight}, podTemplateHash: old}}}`;
  it.each([
    ['stable', canary(ROUTED, MID), 'web', 'old'],
    ['canary that serves', canary(ROUTED, MID), 'web-canary', 'new'],
    ['canary that serves, as recorded', canary(ROUTED, `${MID}, ${recorded(20)}`), 'web-canary', 'new'],
    [
      'canary of which nothing serves',
      canary(ROUTED, 'currentPodHash: new, stableRS: old, replicas: 6, updatedReplicas: 1, availableReplicas: 5'),
      'web-canary',
      'old',
    ],
    [
      'canary recorded, of which nothing serves',
      canary(
        ROUTED,
        `currentPodHash: new, stableRS: old, replicas: 6, updatedReplicas: 1, availableReplicas: 5, ${recorded(0)}`,
      ),
      'web-canary',
      'old',
    ],
    ['canary after an abort', canary(ROUTED, `${MID}, abort: true, ${recorded(0)}`), 'web-canary', 'old'],
    [
      'canary while an aborted one drains',
      canary(`dynamicStableScale: true, ${ROUTED}`, `${MID}, abort: true, ${recorded(40)}`),
      'web-canary',
      'new',
    ],
    ['canary without a router', canary(UNROUTED, MID), 'web-canary', 'old'],
    [
      'settled',
      canary(ROUTED, 'currentPodHash: new, stableRS: new, replicas: 5, updatedReplicas: 5, availableReplicas: 5'),
      'web-canary',
      'new',
    ],
    ['ping, pong being stable by default', canary(PING_PONG, MID), 'web', 'new'],
    ['pong, pong being stable by default', canary(PING_PONG, MID), 'web-canary', 'old'],
    ['ping being stable', canary(PING_PONG, `${MID}, canary: {stablePingPong: ping}`), 'web', 'old'],
    ['pong while ping is stable', canary(PING_PONG, `${MID}, canary: {stablePingPong: ping}`), 'web-canary', 'new'],
    [
      'active',
      rollout(
        'blueGreen: {activeService: web, previewService: web-preview}',
        `${MID}, blueGreen: {activeSelector: old, previewSelector: new}`,
      ),
      'web',
      'old',
    ],
    [
      'preview',
      rollout(
        'blueGreen: {activeService: web, previewService: web-preview}',
        `${MID}, blueGreen: {activeSelector: old, previewSelector: new}`,
      ),
      'web-preview',
      'new',
    ],
    [
      'active before the first switch',
      rollout('blueGreen: {activeService: web}', 'currentPodHash: new, stableRS: new'),
      'web',
      undefined,
    ],
    ['stable before the first revision is', canary(ROUTED, 'currentPodHash: new'), 'web', undefined],
    [
      'a Service in two roles',
      rollout(
        'blueGreen: {activeService: web, previewService: web}',
        `${MID}, blueGreen: {activeSelector: old, previewSelector: new}`,
      ),
      'web',
      undefined,
    ],
    ['a Service in no role', canary(ROUTED, MID), 'other', undefined],
  ])('fills a new Service: %s', (_, subject, name, expected) => {
    expect(hashOf(apply(serviceHash, service(name, undefined), undefined, subject).object)).toBe(expected);
  });

  it.each([
    ['stable', canary(ROUTED, MID), 'web', 'old'],
    ['canary without a router', canary(UNROUTED, MID), 'web-canary', 'new'],
    [
      'canary that went back to stable after an abort',
      canary(ROUTED, `${MID}, abort: true, ${recorded(0)}`),
      'web-canary',
      'old',
    ],
    ['active', rollout('blueGreen: {activeService: web}', `${MID}, blueGreen: {activeSelector: old}`), 'web', 'old'],
    ['ping', canary(PING_PONG, MID), 'web', 'new'],
    [
      'a Service in two roles',
      rollout(
        'blueGreen: {activeService: web, previewService: web}',
        `${MID}, blueGreen: {activeSelector: old, previewSelector: new}`,
      ),
      'web',
      'new',
    ],
  ])('keeps a stored hash that the status knows: %s', (_, subject, name, hash) => {
    expect(hashOf(apply(serviceHash, service(name, undefined), service(name, hash, managed), subject).object)).toBe(
      hash,
    );
  });

  it('replaces a stored hash that no pods have any more', () => {
    expect(
      hashOf(apply(serviceHash, service('web', 'gone'), service('web', 'gone', managed), canary(ROUTED, MID)).object),
    ).toBe('old');
    expect(
      hashOf(
        apply(
          serviceHash,
          service('web-canary', undefined),
          service('web-canary', 'gone', managed),
          canary(UNROUTED, MID),
        ).object,
      ),
    ).toBe('old');
  });

  it('does not take over a Service, behind which other pods may stand, before the controller would', () => {
    const starting = canary(
      ROUTED,
      'currentPodHash: new, stableRS: new, replicas: 5, updatedReplicas: 5, availableReplicas: 2',
    );
    expect(apply(serviceHash, service('web', undefined), service('web', undefined), starting).operations).toEqual([]);
    const started = canary(
      ROUTED,
      'currentPodHash: new, stableRS: new, replicas: 5, updatedReplicas: 5, availableReplicas: 5',
    );
    expect(apply(serviceHash, service('web', undefined), service('web', undefined), started).object).toEqual(
      service('web', 'new'),
    );
    expect(
      hashOf(
        apply(serviceHash, service('web', undefined, managed), service('web', undefined, managed), starting).object,
      ),
    ).toBe('new');
  });

  it('brings back an active Service that lost its hash, lest the controller switch it to the new pods', () => {
    const subject = rollout(
      'blueGreen: {activeService: web}',
      'currentPodHash: new, stableRS: old, availableReplicas: 1, blueGreen: {activeSelector: old}',
    );
    expect(apply(serviceHash, service('web', undefined), service('web', undefined), subject).object).toEqual(
      service('web', 'old'),
    );
  });

  it.each([
    ['no selector', service('web', undefined, { selector: '{}' })],
    ['a selector of the wrong type', service('web', undefined, { selector: '[app]' })],
    ['an external name', service('web', undefined, { spec: 'type: ExternalName, externalName: example.com' })],
  ])('leaves a Service alone: %s', (_, submitted) => {
    expect(apply(serviceHash, submitted, service('web', 'old', managed), canary(ROUTED, MID)).operations).toEqual([]);
  });

  it('leaves a Service to the Rollout that the annotation names, as long as that one refers to it', () => {
    const subject = canary(ROUTED, MID);
    const other = { ...canary(ROUTED, MID), metadata: { name: 'other', namespace: 'shop' } };
    const stored = service('web', 'x', { annotations: `${MANAGED}: other` });
    expect(apply(serviceHash, service('web', undefined), stored, subject, [other]).operations).toEqual([]);
    expect(hashOf(apply(serviceHash, service('web', undefined), stored, subject).object)).toBe('old');
  });
});
