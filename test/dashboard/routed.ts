// Returns a Rollout with two Services, which select all pods, and a route between them, if there is one.
function routed(
  canary: string,
  services: readonly [string, string],
  route: string,
  steps = '{ setWeight: 20 }, { pause: {} }',
): string {
  const rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  replicas: 10
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web:1, ports: [{ containerPort: 8080, name: http }] }] }
  strategy: { canary: { ${canary}steps: [${steps}] } }
`;
  const service = (name: string): string =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n`;
  return [rollout, ...(route === '' ? [] : [route]), ...services.map(service)].join('---\n');
}

/** Manifests of a Rollout with ping-pong and Istio, without a status. */
export const PING_PONG = routed(
  'pingPong: { pingService: ping, pongService: pong }, trafficRouting: { istio: { virtualService: { name: web } } }, ',
  ['ping', 'pong'],
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: [{ route: [{ destination: { host: ping } }, { destination: { host: pong } }] }] }
`,
);
/** Manifests of a Rollout whose weights are parts of 1,000. */
export const OF_A_THOUSAND = routed(
  'stableService: web, canaryService: web-canary, trafficRouting: { maxTrafficWeight: 1000, plugins: { argoproj-labs/gatewayAPI: { httpRoute: web, namespace: shop } } }, ',
  ['web', 'web-canary'],
  `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec: { rules: [{ backendRefs: [{ name: web, port: 80 }, { name: web-canary, port: 80 }] }] }
`,
);

/**
 * Returns manifests of a Rollout with an experiment at step 3.
 *
 * @param router - What is in `trafficRouting`; undefined for none, so that no template has a weight.
 * @param hasServices - Whether it names its two Services.
 */
export function experimentOn(router: string | undefined, routes: string, hasServices = router !== undefined): string {
  const weight = (percent: number): string => (router === undefined ? '' : `, weight: ${percent}`);
  const templates = [
    `{ name: baseline, specRef: stable${weight(5)} }`,
    `{ name: canary, specRef: canary, replicas: 2, service: { name: web-tried }${weight(10)} }`,
    '{ name: unrouted, specRef: canary }',
  ];
  const experiment = `{ experiment: { duration: 1h, templates: [${templates.join(', ')}] } }`;
  const services = hasServices ? 'stableService: web, canaryService: web-canary, ' : '';
  const routing = router === undefined ? '' : `trafficRouting: { ${router} }, `;
  const steps = `{ setWeight: 20 }, { pause: {} }, ${experiment}, { pause: {} }`;
  return routed(services + routing, ['web', 'web-canary'], routes, steps);
}

/** Manifests of a Rollout with Istio and an experiment at step 3. */
export const ISTIO_EXPERIMENT = experimentOn(
  'istio: { virtualService: { name: web } }',
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: [{ route: [{ destination: { host: web } }, { destination: { host: web-canary } }] }] }
`,
);
