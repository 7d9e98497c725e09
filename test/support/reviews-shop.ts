import type { KubeObject } from '../../src/world/object.ts';
import { objectsOf } from './gate.ts';

/** A Rollout with a canary behind Istio. */
export const ROLLOUT = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  template:
    metadata: { labels: { app: reviews } }
    spec: { containers: [{ name: reviews, image: "reviews:1", ports: [{ name: http, containerPort: 8080 }] }] }
  strategy:
    canary:
      stableService: reviews
      canaryService: reviews-canary
      trafficRouting: { istio: { virtualService: { name: reviews, routes: [primary] } } }
      steps: [{ setWeight: 10 }, { pause: {} }]
`;

const SERVICES = ['reviews', 'reviews-canary']
  .map(
    (name) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80, targetPort: http }] }
`,
  )
  .join('---');

/** Returns its VirtualService, with a name of the route. */
export const virtualService = (route: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ name: ${route}, route: [{ destination: { host: reviews }, weight: 100 }, { destination: { host: reviews-canary }, weight: 0 }] }]
`;

/** Returns the object of a document. */
export function one(text: string): KubeObject {
  const [object] = objectsOf(text);
  if (object === undefined) throw new Error('no object');
  return object;
}

/** The Rollout, its Services, and its VirtualService with the route and without. */
export const rollout = one(ROLLOUT);
export const services = objectsOf(SERVICES);
export const [goodRoute, badRoute] = [one(virtualService('primary')), one(virtualService('main'))];
/** The Rollout during an update. */
export const midUpdate: KubeObject = { ...rollout, status: { currentPodHash: 'b', stableRS: 'a' } };
