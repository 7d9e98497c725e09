import request from 'supertest';
import { afterEach } from 'vitest';
import { testApp, type AppOptions, type TestApp } from './app.ts';
import { SHOP, type Json } from './reviews.ts';

/** A finding in an answer. */
export interface Line {
  readonly rule: string;
  readonly decision: string;
  readonly object: Json;
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly document?: number;
}

/** The answer to a dry run. */
export interface Answer {
  readonly verdict: string;
  readonly findings: readonly Line[];
  readonly skipped: readonly { readonly rule: string; readonly reason: string }[];
  readonly errors: readonly Json[];
  readonly results: readonly { readonly object: Json; readonly patch: readonly Json[]; readonly patched: Json }[];
  readonly candidate?: {
    readonly verdict: string;
    readonly changed: readonly Line[];
    readonly dropped: readonly Line[];
  };
}

const running: TestApp[] = [];

/** Starts the app over the shop, until the test ends. */
export function start(options?: AppOptions): TestApp {
  const app = testApp(SHOP, options);
  running.push(app);
  return app;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop()));
});

/** Posts manifests for a dry run. */
export function post(app: TestApp, body: string, query = ''): request.Test {
  return request(app.app).post(`/v1/dry-run${query}`).set('content-type', 'application/yaml').send(body);
}

/** The VirtualService of the shop with a route of another name. */
export const UNROUTED = `# the route has another name
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
    - name: primary
      route:
        - {destination: {host: reviews-stable, subset: stable}, weight: 80}
        - {destination: {host: reviews-canary, subset: canary}, weight: 20}
`;

/** Returns the findings about routes that do not exist. */
export function routeFindings(answer: { readonly findings: readonly Line[] }): Line[] {
  return answer.findings.filter(({ rule }) => rule === 'virtualservice-route-exists');
}
