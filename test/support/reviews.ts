import fc from 'fast-check';
import { parse } from 'yaml';
import { asArray } from '../../src/world/read.ts';

/** A JSON object that tests may change. */
export interface Json {
  [key: string]: unknown;
}

/** A world with a Rollout in the middle of an update, and the objects that it controls. */
export const SHOP = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: reviews, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: reviews}}
  template:
    metadata: {labels: {app: reviews}}
    spec: {containers: [{name: reviews, image: registry.example/reviews:2, ports: [{name: http, containerPort: 8080}]}]}
  strategy:
    canary:
      stableService: reviews-stable
      canaryService: reviews-canary
      trafficRouting:
        istio:
          virtualService: {name: reviews, routes: [main]}
          destinationRule: {name: reviews, stableSubsetName: stable, canarySubsetName: canary}
      steps: [{setWeight: 20}, {pause: {duration: 10m}}, {analysis: {templates: [{templateName: success-rate}]}}]
status:
  currentPodHash: 7d4b9c
  stableRS: 5f6a8d
  canary: {weights: {canary: {podTemplateHash: 7d4b9c, weight: 20}, stable: {podTemplateHash: 5f6a8d, weight: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: reviews-stable, namespace: shop}
spec: {selector: {app: reviews, rollouts-pod-template-hash: 5f6a8d}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: reviews-canary, namespace: shop}
spec: {selector: {app: reviews, rollouts-pod-template-hash: 7d4b9c}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
    - name: main
      route:
        - {destination: {host: reviews-stable, subset: stable}, weight: 80}
        - {destination: {host: reviews-canary, subset: canary}, weight: 20}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews-stable
  subsets:
    - {name: stable, labels: {app: reviews, rollouts-pod-template-hash: 5f6a8d}}
    - {name: canary, labels: {app: reviews, rollouts-pod-template-hash: 7d4b9c}}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate, namespace: shop}
spec:
  args: [{name: service, value: reviews}]
  metrics:
    - name: success-rate
      interval: 1m
      count: 5
      successCondition: result[0] >= 0.95
      provider: {prometheus: {address: 'http://prometheus.example:9090', query: 'rate(requests{service="{{args.service}}"}[1m])'}}
`;

const objects = SHOP.split('---\n').map((text) => parse(text) as Json);

/** Returns a copy of an object of the shop. */
export function shopObject(kind: string, name: string): Json {
  const found = objects.find((object) => object['kind'] === kind && (object['metadata'] as Json)['name'] === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name} in the shop`);
  return structuredClone(found);
}

/** The content of an AdmissionReview. */
export interface ReviewContent {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly object?: Json;
  readonly oldObject?: Json;
  readonly user?: string;
  readonly dryRun?: boolean;
  readonly uid?: string;
}

/** Returns the AdmissionReview that the API server would send. */
export function reviewOf({
  operation,
  object,
  oldObject,
  user = 'jane',
  dryRun = false,
  uid = '705ab4f5-6393-11e8-b7cc-42010a800002',
}: ReviewContent): Json & { request: Json } {
  const subject = object ?? oldObject ?? {};
  const metadata = subject['metadata'] as Json;
  const [group = '', version] = String(subject['apiVersion']).includes('/')
    ? String(subject['apiVersion']).split('/')
    : ['', String(subject['apiVersion'])];
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group, version, kind: subject['kind'] },
      resource: { group, version, resource: `${String(subject['kind']).toLowerCase()}s` },
      name: metadata['name'],
      namespace: metadata['namespace'],
      operation,
      userInfo: { username: user, groups: ['system:authenticated'] },
      object: object ?? null,
      oldObject: oldObject ?? null,
      dryRun,
      options: { apiVersion: 'meta.k8s.io/v1', kind: `${operation[0]}${operation.slice(1).toLowerCase()}Options` },
    },
  };
}

const VALID: readonly Json[] = [
  reviewOf({ operation: 'CREATE', object: { ...shopObject('Rollout', 'reviews'), status: undefined } }),
  reviewOf({
    operation: 'UPDATE',
    object: shopObject('Rollout', 'reviews'),
    oldObject: shopObject('Rollout', 'reviews'),
  }),
  reviewOf({
    operation: 'UPDATE',
    object: shopObject('VirtualService', 'reviews'),
    oldObject: shopObject('VirtualService', 'reviews'),
  }),
  reviewOf({
    operation: 'UPDATE',
    object: shopObject('DestinationRule', 'reviews'),
    oldObject: shopObject('DestinationRule', 'reviews'),
  }),
  reviewOf({
    operation: 'UPDATE',
    object: shopObject('Service', 'reviews-canary'),
    oldObject: shopObject('Service', 'reviews-canary'),
  }),
  reviewOf({ operation: 'CREATE', object: shopObject('AnalysisTemplate', 'success-rate') }),
  reviewOf({ operation: 'DELETE', oldObject: shopObject('AnalysisTemplate', 'success-rate') }),
];

type Place = readonly (string | number)[];

// Places where any value leaves the review a valid one.
const SAFE: readonly string[] = ['spec', 'status', 'labels', 'annotations', 'managedFields', 'userInfo', 'options'];

function placesIn(value: unknown, path: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) =>
      placesIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

const hostileKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  ' ',
  '0',
  'a.b/c',
  'spec',
  'name',
);
const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1e308,
    -0.5,
    2 ** 53,
    '',
    '\u0000',
    '\ud800',
    '{{args.x}}',
    '(a+)+$',
    'a'.repeat(5_000),
    [],
    {},
    [[]],
    [null],
    { name: null },
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(hostileKey, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
);

interface Mutation {
  readonly where: number;
  readonly safe: boolean;
  readonly what: 'replace' | 'remove' | 'add' | 'repeat' | 'wrap';
  readonly key: string;
  readonly value: unknown;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  where: fc.nat(),
  safe: fc.nat({ max: 19 }).map((dice) => dice > 0),
  what: fc.constantFrom<Mutation['what']>('replace', 'replace', 'remove', 'add', 'repeat', 'wrap'),
  key: hostileKey,
  value: hostileValue,
});

function mutate(review: Json, { where, safe, what, key, value: given }: Mutation): void {
  // A later mutation may change a value that an earlier one inserted.
  const value = structuredClone(given);
  const places = placesIn(review).filter(
    (place) => place.length > 0 && (!safe || place.some((part) => SAFE.includes(String(part)))),
  );
  const place = places[where % places.length];
  const last = place?.at(-1);
  if (place === undefined || last === undefined) return;
  const holder = place.slice(0, -1).reduce<unknown>((current, part) => (current as Json)[part], review) as Json;
  const present = holder[last];
  // Defined, not assigned, because `__proto__` must become an ordinary key, as it does in JSON.
  const set = (target: object, name: string | number, to: unknown): void =>
    void Object.defineProperty(target, name, { value: to, writable: true, enumerable: true, configurable: true });
  if (what === 'replace') set(holder, last, value);
  else if (what === 'remove') delete holder[last];
  else if (what === 'add' && typeof present === 'object' && present !== null && !Array.isArray(present))
    set(present, key, value);
  else if (what === 'repeat' && Array.isArray(present))
    set(holder, last, [...asArray(present), ...asArray(present), value]);
  else if (what === 'wrap') set(holder, last, [present]);
}

/**
 * AdmissionReviews that differ from valid ones in one to four random places, where something was replaced, removed,
 * added, repeated or wrapped. Most are still valid.
 */
export const mutatedReview: fc.Arbitrary<Json> = fc
  .tuple(fc.constantFrom(...VALID), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([valid, mutations]) => {
    const review = structuredClone(valid);
    for (const change of mutations) mutate(review, change);
    return review;
  });
