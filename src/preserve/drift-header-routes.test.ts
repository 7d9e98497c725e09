import { describe, expect, it } from 'vitest';
import { AT_20, drifts, MID, rollout, SERVICES } from '../../test/support/drift-objects.ts';

const PREFIX = 'alb.ingress.kubernetes.io';
const LIST = 'rollouts.argoproj.io/managed-alb-annotations';
const ALB = 'managedRoutes: [{name: beta}], alb: {ingress: web, servicePort: 80}';
const STEPS = 'steps: [{setWeight: 20}, {setHeaderRoute: {name: beta, match: [{headerName: x}]}}, {pause: {}}],';

interface Parts {
  readonly list?: readonly string[];
  readonly annotations?: readonly string[];
  readonly services?: readonly string[];
}
const ALL = [`${PREFIX}/actions.stable`, `${PREFIX}/actions.beta`, `${PREFIX}/conditions.beta`];

/** An Ingress whose weights are as the status says. */
function ingress({ list = ALL, annotations = ALL, services = ['beta', 'stable'] }: Parts = {}): string {
  const groups = [
    { ServiceName: 'canary', ServicePort: '80', Weight: 20 },
    { ServiceName: 'stable', ServicePort: '80', Weight: 80 },
  ];
  const action = JSON.stringify({ Type: 'forward', ForwardConfig: { TargetGroups: groups } });
  return `
---
${JSON.stringify({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name: 'web',
    namespace: 'shop',
    annotations: {
      ...Object.fromEntries(annotations.map((key) => [key, key.endsWith('stable') ? action : '{}'])),
      [LIST]: JSON.stringify({ web: list }),
    },
  },
  spec: {
    rules: [
      {
        http: {
          paths: services.map((name) => ({
            path: '/*',
            backend: { service: { name, port: { name: 'use-annotation' } } },
          })),
        },
      },
    ],
  },
})}
`;
}

function found(parts: Parts, { canary = STEPS, status = `${MID}, currentStepIndex: 2`, routing = ALB } = {}): string[] {
  const all = drifts(rollout({ canary, status, routing, weights: AT_20 }) + SERVICES + ingress(parts));
  return all.filter((drift) => drift.startsWith('header-route'));
}

describe('drift of a header route of an ALB Ingress', () => {
  it.each<[string, Parts, string[]]>([
    ['is as the controller wrote it', {}, []],
    [
      'has lost its path, as with server-side apply',
      { services: ['stable'] },
      ['header-route Ingress spec.rules: beta has no path'],
    ],
    [
      'has lost its action',
      { annotations: ALL.filter((key) => !key.endsWith('actions.beta')) },
      [`header-route Ingress metadata.annotations["${PREFIX}/actions.beta"]: beta has no action`],
    ],
    [
      'has lost its conditions',
      { annotations: ALL.filter((key) => !key.endsWith('conditions.beta')) },
      [`header-route Ingress metadata.annotations["${PREFIX}/conditions.beta"]: beta has no conditions`],
    ],
    [
      'is not in the list of the controller',
      { list: ALL.slice(0, 1), services: ['stable'], annotations: ALL.slice(0, 1) },
      [],
    ],
  ])('%s', (_, parts, expected) => {
    expect(found(parts)).toEqual(expected);
  });

  const LOST = { services: ['stable'] };
  it.each([
    ['its step is to come', { status: `${MID}, currentStepIndex: 0` }],
    ['the update is over', { status: MID.replace('new', 'old') }],
    ['the update is aborted', { status: `${MID}, currentStepIndex: 2, abort: true` }],
    ['a full promotion is under way', { status: `${MID}, currentStepIndex: 2, promoteFull: true` }],
    [
      'a later step has removed it',
      {
        canary: STEPS.replace('{pause', '{setHeaderRoute: {name: beta}}, {pause'),
        status: `${MID}, currentStepIndex: 3`,
      },
    ],
    ['it is no managed route', { routing: ALB.replace('beta', 'other') }],
  ])('is not certain if %s', (_, options) => {
    expect(found(LOST, options)).toEqual([]);
  });
});
