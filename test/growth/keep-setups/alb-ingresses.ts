import type { KubeObject } from '../../../src/world/object.ts';
import { object, times, type Json } from '../objects.ts';
import { inCanary, type Applied, type KeepSetup } from './applied.ts';

const albAction = (name: string): string => `alb.ingress.kubernetes.io/actions.${name}`;
const albPath = (name: string): Json => ({
  path: '/*',
  backend: { service: { name, port: { name: 'use-annotation' } } },
});
const albObject = (annotations: Json, rules: readonly Json[]): KubeObject =>
  object('networking.k8s.io/v1', 'Ingress', 'web', { rules }, { annotations });
const albWeights = (i: number, canary = 20, more: readonly Json[] = []): string => {
  const group = (name: string, Weight: number): Json => ({
    ServiceName: `app-${i}-${name}`,
    ServicePort: '80',
    Weight,
  });
  return JSON.stringify({
    Type: 'forward',
    ForwardConfig: { TargetGroups: [group('canary', canary), group('stable', 100 - canary), ...more] },
  });
};
const albRollout = (i: number, headers = false): KubeObject =>
  inCanary(`app-${i}`, {
    stableService: `app-${i}-stable`,
    canaryService: `app-${i}-canary`,
    steps: [{ setHeaderRoute: { name: `m-${i}`, match: [{ headerName: 'x' }] } }],
    trafficRouting: {
      ...(headers ? { managedRoutes: [{ name: `m-${i}` }] } : {}),
      alb: { ingress: 'web', rootService: `root-${i}`, servicePort: 80 },
    },
  });

/** Returns Rollouts that share an ALB Ingress, each with an action, and with a header route. */
export function albIngress(n: number, { lost, headers = false }: { lost: boolean; headers?: boolean }): Applied {
  const roots = times(n, (i) => albPath(`root-${i}`));
  const managed = headers ? times(n, (i) => albPath(`m-${i}`)) : [];
  const rules = (paths: readonly Json[]): Json[] => [{ host: 'a', http: { paths } }];
  const annotations = Object.fromEntries([
    ...times(n, (i) => [albAction(`root-${i}`), albWeights(i)]),
    ...(headers ? times(n, (i) => [albAction(`m-${i}`), 'x']) : []),
    [
      'rollouts.argoproj.io/managed-alb-annotations',
      JSON.stringify(Object.fromEntries(times(n, (i) => [`app-${i}`, ['x']]))),
    ],
  ]) as Json;
  const old = albObject(annotations, rules([...managed, ...roots]));
  return {
    submitted: lost ? albObject({ team: 'a' }, rules(roots)) : albObject(annotations, rules([...managed, ...roots])),
    old,
    rollouts: times(n, (i) => albRollout(i, headers)),
  };
}

/** Actions, header routes and rules of ALB Ingresses. */
export const ALB_INGRESSES: readonly KeepSetup[] = [
  {
    title: 'Rollouts, each of which loses its own action of an ALB Ingress',
    make: (n) => albIngress(n, { lost: true }),
  },
  {
    title: 'Rollouts and actions of an ALB Ingress, nothing lost',
    make: (n) => albIngress(n, { lost: false }),
  },
  {
    title: 'Rollouts, each of which loses its own header route of an ALB Ingress',
    make: (n) => albIngress(n, { lost: true, headers: true }),
  },
  {
    title: 'Rollouts, each with its own header route of an ALB Ingress, nothing lost',
    make: (n) => albIngress(n, { lost: false, headers: true }),
  },
  {
    title: 'rules of an ALB Ingress, each of which loses the path of a header route',
    make: (n) => {
      const [own, lost] = [albPath('m-0'), albPath('root-0')];
      const hosts = (paths: readonly Json[]): Json[] => times(n, (i) => ({ host: `h-${i}`, http: { paths } }));
      return {
        submitted: albObject({}, hosts([lost])),
        old: albObject({ [albAction('root-0')]: albWeights(0) }, hosts([own, lost])),
        rollouts: [albRollout(0, true)],
      };
    },
  },
  {
    title: 'Rollouts with the same action of an ALB Ingress',
    make: (n) => ({
      submitted: albObject({}, [{ host: 'a', http: { paths: [albPath('root-0')] } }]),
      old: albObject({ [albAction('root-0')]: albWeights(0) }, [{ host: 'a', http: { paths: [albPath('root-0')] } }]),
      rollouts: times(n, (i) => ({ ...albRollout(0), metadata: { name: `app-${i}`, namespace: 'shop' } })),
    }),
  },
  {
    title: 'target groups of an action of an ALB Ingress',
    make: (n) => {
      const groups = times(n, (i) => ({ ServiceName: `g-${i}`, ServicePort: '80', Weight: 1 }));
      const rules = [{ host: 'a', http: { paths: [albPath('root-0')] } }];
      return {
        submitted: albObject({ [albAction('root-0')]: albWeights(0, 30) }, rules),
        old: albObject({ [albAction('root-0')]: albWeights(0, 20, groups) }, rules),
        rollouts: [albRollout(0)],
      };
    },
  },
];
