import { describe, expect, it } from 'vitest';
import { Judge } from '../../src/dashboard/judge.ts';
import type { Answer, ReappliedObject } from '../../src/dashboard/messages.ts';
import { experimentOn, ISTIO_EXPERIMENT as ISTIO } from './routed.ts';

// Step 3 is the experiment. Its stage has this index too, after the one before the update.
const EXPERIMENT = 3;

function answerTo(manifests: string, stage = EXPERIMENT): Answer {
  return new Judge().answer({ manifests, policy: '', stage });
}

const SUBSETS = experimentOn(
  'istio: { virtualService: { name: web }, destinationRule: { name: web, stableSubsetName: stable, canarySubsetName: canary } }',
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: [web]
  http: [{ route: [{ destination: { host: web, subset: stable } }, { destination: { host: web, subset: canary } }] }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, subsets: [{ name: stable, labels: { app: web } }, { name: canary, labels: { app: web } }] }
`,
  false,
);
const GATEWAY = experimentOn(
  'plugins: { argoproj-labs/gatewayAPI: { httpRoute: web, namespace: shop } }',
  `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec: { rules: [{ backendRefs: [{ name: web, port: 80 }, { name: web-canary, port: 80 }] }] }
`,
);
const ingress = (className: string, service: string): string => `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec:
  ingressClassName: ${className}
  rules: [{ http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${service} } } }] } }]
`;
const ALB = experimentOn(
  'alb: { ingress: web, servicePort: 80 }',
  ingress('alb', 'web, port: { name: use-annotation }'),
);
const NGINX = experimentOn('nginx: { stableIngress: web }', ingress('nginx', 'web, port: { number: 80 }'));
const SMI = experimentOn('smi: {}', '');

describe('the graph', () => {
  function edgesIn({ graph }: Answer): string[] {
    const edges = graph?.edges.filter(({ experiment }) => experiment !== undefined) ?? [];
    return edges.map(({ from, to, experiment }) => `${short(from)} -> ${short(to)} (${experiment?.step})`);
  }

  const short = (id: string): string => id.replace(/^([A-Z]\w+)[^/]*\/[^/]*\//, '$1/');
  const TO_PODS = ['baseline', 'canary'].map((name) => `experiment/3/${name}/service -> experiment/3/${name}/pods (3)`);
  const from = (route: string): string[] => [
    ...TO_PODS,
    ...['baseline', 'canary'].map((name) => `${route} -> experiment/3/${name}/service (3)`),
  ];

  it.each([
    ['Istio', ISTIO, from('VirtualService/web')],
    ['Istio subsets', SUBSETS, from('VirtualService/web')],
    ['the Gateway API plugin', GATEWAY, from('HTTPRoute/web')],
    ['ALB', ALB, from('Ingress/web')],
    ['a router without weights for experiments', NGINX, []],
  ])('leads from the routes of %s to the pods of an experiment', (_, manifests, expected) => {
    expect(edgesIn(answerTo(manifests))).toEqual(expected);
  });

  it('has the parts of the requests at the stage of the experiment, and nothing at others', () => {
    const stages = answerTo(ISTIO).timeline?.stages;
    expect(stages?.[EXPERIMENT]?.experiment).toEqual([
      { name: 'baseline', pods: 1, weight: 5, traffic: 0.05 },
      { name: 'canary', pods: 2, weight: 10, traffic: expect.closeTo(0.1) as number },
      { name: 'unrouted', pods: 1, weight: 0, traffic: 0 },
    ]);
    expect(stages?.filter(({ experiment }) => experiment.length > 0)).toHaveLength(1);
  });

  it('has the pods of each template, with and without requests', () => {
    const { graph } = answerTo(SMI);
    const nodes = graph?.nodes.filter(({ experiment }) => experiment !== undefined) ?? [];
    expect(nodes.map(({ title, name }) => `${title} ${name}`.trim())).toEqual([
      'experiment: baseline',
      'Service (experiment) web-…-baseline',
      'experiment: canary',
      'Service (experiment) web-tried',
      'experiment: unrouted',
    ]);
  });

  it('is red where the Service of an experiment exists already', () => {
    const taken = `---\napiVersion: v1\nkind: Service\nmetadata: { name: web-tried, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n`;
    const { graph } = answerTo(`${ISTIO}${taken}`);
    const red = graph?.edges.filter(({ level }) => level === 'deny').map(({ from, to }) => `${from} -> ${to}`);
    expect(red).toEqual(['experiment/3/canary/service -> experiment/3/canary/pods']);
  });

  it('leads from the Service that selects all pods to those of an experiment', () => {
    const manifests = experimentOn(undefined, '');
    expect(edgesIn(answerTo(manifests))).toEqual(
      ['baseline', 'canary', 'unrouted']
        .flatMap((name) =>
          ['web', 'web-canary'].map((service) => `Service/${service} -> experiment/3/${name}/pods (3)`),
        )
        .sort((a, b) => a.localeCompare(b)),
    );
  });
});

describe('a re-apply during an experiment', () => {
  const BASELINE = 'web-8c5d7f6b94-2-2-baseline';

  function reappliedIn(manifests: string, kind: string, stage = EXPERIMENT): ReappliedObject | undefined {
    return answerTo(manifests, stage).reapplied?.objects.find((object) => object.kind === kind);
  }

  it('keeps the destinations of a VirtualService, at the cost of the stable one', () => {
    const route = reappliedIn(ISTIO, 'VirtualService');
    expect(route?.kept).toEqual([`weights stable 65, canary 20, ${BASELINE} 5, web-tried 10 in the http route`]);
    expect(route?.stored).toMatch(
      new RegExp(`host: ${BASELINE}\\s+weight: 5\\s+- destination:\\s+host: web-tried\\s+weight: 10`),
    );
    expect(route?.applied).not.toContain('web-tried');
  });

  it('keeps the subsets of a DestinationRule with their hashes', () => {
    const rule = reappliedIn(SUBSETS, 'DestinationRule');
    expect(rule?.stored).toMatch(
      new RegExp(`- name: ${BASELINE}\\s+labels:\\s+rollouts-pod-template-hash: 7b9f6d5cbb\\s+- name: web-tried`),
    );
    expect(reappliedIn(SUBSETS, 'VirtualService')?.stored).toContain(`host: ${BASELINE}`);
  });

  it('keeps the backends that the Gateway API plugin adds, with all of 100 for them and the stable Service', () => {
    const route = reappliedIn(GATEWAY, 'HTTPRoute');
    expect(route?.kept).toEqual([`weights stable 85, canary 20, ${BASELINE} 5, web-tried 10`]);
    expect(route?.stored).toMatch(
      new RegExp(`- name: ${BASELINE}\\s+namespace: shop\\s+port: 8080\\s+weight: 5\\s+- name: web-tried`),
    );
  });

  it('keeps the target groups of an ALB Ingress', () => {
    const stored = reappliedIn(ALB, 'Ingress')?.stored ?? '';
    expect(
      [...stored.matchAll(/"ServiceName":"([^"]*)"[^}]*"Weight":(\d+)/g)].map(
        ([, name, weight]) => `${name} ${weight}`,
      ),
    ).toEqual(['web-canary 20', `${BASELINE} 5`, 'web-tried 10', 'web 65']);
  });

  it('has nothing of it at another stage, or where the pods have no port for a Service', () => {
    expect(reappliedIn(ISTIO, 'VirtualService', 2)?.kept).toEqual(['weights stable 80, canary 20 in the http route']);
    const withoutPorts = ISTIO.replace(/, ports: \[[^\]]*\]/, '');
    expect(reappliedIn(withoutPorts, 'VirtualService')?.kept).toEqual([
      'weights stable 80, canary 20 in the http route',
    ]);
  });
});
