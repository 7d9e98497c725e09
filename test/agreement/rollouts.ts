import { templates, type Templates } from './analysis.ts';
import type { Draw, Fields, Json } from './draw.ts';
import { LABELS, podTemplate } from './pods.ts';
import { routing } from './routers.ts';
import { NAMESPACE, service, type Routing } from './routing.ts';

/** Objects that are applied together. */
export type Bundle = Fields[];

/** Returns a Rollout that the controller accepts, with all objects that it needs. The Rollout comes first. */
export function bundle(draw: Draw): Bundle {
  const analyses = templates(draw, NAMESPACE);
  const strategy = draw.maybe(0.2) ? blueGreen(draw, analyses) : canary(draw, analyses);
  const workload = draw.maybe(0.15) ? workloadOf(draw) : undefined;
  const own: Fields = { selector: selector(draw), template: podTemplate(draw) };
  const rollout: Fields = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name: 'web',
      namespace: NAMESPACE,
      uid: '7a3f',
      labels: { app: 'web' },
      annotations: { owner: 'shop' },
    },
    spec: {
      ...draw.perhaps(0.8, () => ({ replicas: draw.pick<Json>(3, 0, 1) })),
      ...draw.perhaps(0.3, () => ({ revisionHistoryLimit: draw.pick<Json>(3, 0) })),
      ...draw.perhaps(0.2, () => ({ minReadySeconds: draw.pick<Json>(10, 0, 599) })),
      ...draw.perhaps(0.2, () => ({ progressDeadlineSeconds: draw.pick<Json>(600, 900) })),
      ...draw.perhaps(0.1, () => ({ progressDeadlineAbort: true })),
      ...draw.perhaps(0.1, () => ({ rollbackWindow: { revisions: 3 } })),
      ...draw.perhaps(0.1, () => ({ analysis: { successfulRunHistoryLimit: 3 } })),
      ...(workload === undefined
        ? own
        : { workloadRef: workload.ref, ...draw.perhaps(0.3, () => ({ selector: selector(draw) })) }),
      strategy: strategy.fields,
    },
  };
  if (workload !== undefined && workload.object['kind'] === 'PodTemplate')
    (rollout['spec'] as Fields)['selector'] = selector(draw);
  return [rollout, ...strategy.objects, ...analyses.objects, ...(workload === undefined ? [] : [workload.object])];
}

function selector(draw: Draw): Fields {
  return draw.pick<Fields>(
    { matchLabels: { app: LABELS.app } },
    { matchLabels: { ...LABELS } },
    { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'shop'] }] },
    {
      matchLabels: { app: LABELS.app },
      matchExpressions: [
        { key: 'retired', operator: 'DoesNotExist' },
        { key: 'tier', operator: 'Exists' },
        { key: 'tier', operator: 'NotIn', values: ['back'] },
      ],
    },
  );
}

function workloadOf(draw: Draw): { ref: Fields; object: Fields } {
  const kind = draw.pick('Deployment', 'ReplicaSet', 'PodTemplate');
  const apiVersion = kind === 'PodTemplate' ? 'v1' : 'apps/v1';
  const metadata: Fields = { name: 'web-workload', namespace: NAMESPACE };
  const template = podTemplate(draw);
  const object: Fields = {
    apiVersion,
    kind,
    metadata,
    ...(kind === 'PodTemplate'
      ? { template }
      : { spec: { replicas: 0, selector: { matchLabels: { app: LABELS.app } }, template } }),
  };
  return {
    ref: {
      apiVersion,
      kind,
      name: 'web-workload',
      ...draw.perhaps(0.5, () => ({ scaleDown: draw.pick('never', 'onsuccess', 'progressively') })),
    },
    object,
  };
}

function blueGreen(draw: Draw, analyses: Templates): { fields: Fields; objects: Fields[] } {
  const preview = draw.maybe(0.7);
  const config: Fields = {
    activeService: 'web-active',
    ...(preview ? { previewService: 'web-preview' } : {}),
    ...draw.perhaps(0.3, () => ({ autoPromotionEnabled: draw.pick<Json>(false, true) })),
    ...draw.perhaps(0.2, () => ({ scaleDownDelayRevisionLimit: draw.pick<Json>(0) })),
    ...draw.perhaps(0.2, () => ({ scaleDownDelaySeconds: 30, previewReplicaCount: 1 })),
    ...draw.perhaps(0.2, () => ({ antiAffinity: antiAffinity(draw) })),
    ...draw.perhaps(0.4, () => field('prePromotionAnalysis', analyses.analysis(true))),
    ...draw.perhaps(0.4, () => field('postPromotionAnalysis', analyses.analysis(true))),
    ...draw.perhaps(0.1, () => ({ previewMetadata: { labels: { role: 'preview' } } })),
    ...draw.perhaps(0.1, () => ({ maxUnavailable: draw.pick<Json>(1, '25%') })),
  };
  return {
    fields: { blueGreen: config },
    objects: [service(draw, 'web-active'), ...(preview ? [service(draw, 'web-preview')] : [])],
  };
}

function antiAffinity(draw: Draw): Fields {
  return draw.pick<Fields>(
    { requiredDuringSchedulingIgnoredDuringExecution: {} },
    { preferredDuringSchedulingIgnoredDuringExecution: { weight: draw.pick<Json>(1, 50, 100) } },
  );
}

function canary(draw: Draw, analyses: Templates): { fields: Fields; objects: Fields[] } {
  const router = routing(draw);
  const hasRouter = router.canary['trafficRouting'] !== undefined;
  const config: Fields = {
    ...router.canary,
    ...draw.perhaps(0.3, () => ({
      maxSurge: draw.pick<Json>(1, '25%', '0', 0),
      maxUnavailable: draw.pick<Json>(1, '50%'),
    })),
    ...draw.perhaps(0.1, () => ({
      canaryMetadata: { labels: { role: 'canary' } },
      stableMetadata: { annotations: { role: 'stable' } },
    })),
    ...(hasRouter
      ? draw.pick<Fields>(
          {},
          {},
          { scaleDownDelaySeconds: 60 },
          { dynamicStableScale: true },
          { abortScaleDownDelaySeconds: 30 },
        )
      : {}),
    ...draw.perhaps(0.15, () => ({ antiAffinity: antiAffinity(draw) })),
    ...draw.perhaps(0.3, () => field('analysis', analyses.analysis(false))),
    steps: draw.list(0, 6, (index) => step(draw, index, router, analyses)),
  };
  return { fields: { canary: config }, objects: router.objects };
}

function step(draw: Draw, index: number, router: Routing, analyses: Templates): Fields {
  const { can, maxWeight } = router;
  const kinds: (() => Fields)[] = [
    () => ({ setWeight: draw.pick<Json>(20, 0, maxWeight) }),
    () => ({
      pause: draw.pick<Fields>(
        {},
        { duration: 10 },
        { duration: '10' },
        { duration: '1h30m' },
        { duration: '0s' },
        { duration: '1.5h' },
      ),
    }),
    () => field('analysis', analyses.analysis(true), { pause: {} }),
    () => ({ experiment: experiment(draw, index, can.weights, analyses) }),
    () => ({ plugin: { name: 'example/step', config: { x: 1 } } }),
  ];
  if (can.scale)
    kinds.push(() => ({
      setCanaryScale: draw.pick<Fields>({ weight: 25 }, { replicas: 2 }, { matchTrafficWeight: true }),
    }));
  if (can.header) kinds.push(() => ({ setHeaderRoute: headerRoute(draw, can.exactOnly) }));
  if (can.mirror) kinds.push(() => ({ setMirrorRoute: mirrorRoute(draw) }));
  return draw.pick(...kinds)();
}

function stringMatch(draw: Draw, exactOnly = false): Fields {
  return exactOnly
    ? { exact: 'Chrome' }
    : draw.pick<Fields>({ exact: 'Chrome' }, { prefix: 'Chr' }, { regex: '.*Chrome.*' });
}

function headerRoute(draw: Draw, exactOnly: boolean): Fields {
  return {
    name: 'by-header',
    ...draw.perhaps(0.8, () => ({
      match: draw.list(1, 2, (): Json => ({ headerName: 'User-Agent', headerValue: stringMatch(draw, exactOnly) })),
    })),
  };
}

function mirrorRoute(draw: Draw): Fields {
  const match = (): Json => ({
    ...draw.perhaps(0.6, () => ({ method: stringMatch(draw) })),
    ...draw.perhaps(0.6, () => ({ path: stringMatch(draw) })),
    ...draw.perhaps(0.3, () => ({ headers: { agent: stringMatch(draw) } })),
  });
  return { name: 'mirrored', ...draw.perhaps(0.8, () => ({ match: draw.list(1, 2, match), percentage: 30 })) };
}

function experiment(draw: Draw, index: number, weights: boolean, analyses: Templates): Fields {
  const sets = draw.pick(['baseline', 'candidate'], ['candidate']);
  return {
    ...draw.perhaps(0.7, () => ({ duration: draw.pick('5m', '1h') })),
    templates: sets.map((name): Json => ({
      name,
      specRef: name === 'candidate' ? 'canary' : 'stable',
      ...(weights ? draw.perhaps(0.3, () => ({ weight: 5 })) : {}),
      ...draw.perhaps(0.2, () => ({ replicas: 1 })),
    })),
    ...draw.perhaps(0.6, () => {
      const analysis = analyses.experimentAnalysis(`check-${index}`, sets);
      return field('analyses', analysis === undefined ? undefined : [analysis]);
    }),
  };
}

// A field, or no field if there is no value for it.
function field(name: string, value: Json | undefined, otherwise: Fields = {}): Fields {
  return value === undefined ? otherwise : { [name]: value };
}
