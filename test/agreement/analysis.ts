import { text, type Draw, type Fields, type Json } from './draw.ts';

/** Analysis templates, and functions that make analyses which use them. */
export interface Templates {
  readonly objects: Fields[];
  /**
   * Returns an analysis, or undefined if no template fits.
   *
   * @param waits - Whether an update waits for the analysis to end.
   */
  analysis(waits: boolean): Fields | undefined;
  /** Returns an analysis for an experiment whose templates have these names. */
  experimentAnalysis(name: string, templates: readonly string[]): Fields | undefined;
}

interface Template {
  readonly name: string;
  readonly clusterScope: boolean;
  readonly required: readonly string[];
  /** Whether its `count` comes from the argument `rounds`, which has a default. */
  readonly rounds: boolean;
  readonly ends: boolean;
  readonly metrics: readonly string[];
}

/** Returns templates that the controller accepts, and functions for analyses that use them correctly. */
export function templates(draw: Draw, namespace: string): Templates {
  const made: Template[] = [];
  const objects: Fields[] = [];
  for (const name of ['errors', 'latency', 'saturation']) {
    const clusterScope = draw.maybe(0.25);
    const ends = draw.maybe(0.7);
    const rounds = ends && draw.maybe(0.15);
    const args = templateArgs(draw);
    if (rounds) args.push({ name: 'rounds', required: false, raw: { name: 'rounds', value: '5' } });
    const metrics = draw.list(1, 2, (index): Fields =>
      metric(draw, `${name}-${index}`, rounds ? 'by rounds' : ends, args),
    );
    const spec: Fields = { ...(args.length === 0 ? {} : { args: args.map(({ raw }) => raw) }), metrics };
    const names = metrics.map((entry) => text(entry['name']));
    if (draw.maybe(0.1)) spec['dryRun'] = [{ metricName: names[0] ?? '' }];
    if (draw.maybe(0.1)) spec['measurementRetention'] = [{ metricName: `${name}.*`, limit: 5 }];
    const required = args.filter(({ required: isRequired }) => isRequired).map(({ name: arg }) => arg);
    // A template that includes an earlier one. Cluster-scoped templates must not depend on the content of a namespace.
    const [inner] = made;
    const nests = inner !== undefined && draw.maybe(0.15);
    if (nests) spec['templates'] = [ref(inner)];
    made.push({
      name,
      clusterScope,
      required: [...new Set([...required, ...(nests ? inner.required : [])])],
      rounds,
      ends: ends && (!nests || inner.ends),
      metrics: nests ? [...names, ...inner.metrics] : names,
    });
    objects.push({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: clusterScope ? 'ClusterAnalysisTemplate' : 'AnalysisTemplate',
      metadata: { name, ...(clusterScope ? {} : { namespace }) },
      spec,
    });
  }
  const chosen = (waits: boolean): Template[] => {
    const fitting = made.filter(({ ends }) => ends || !waits);
    const [first] = fitting;
    const some = fitting.length === 0 || first === undefined ? [] : draw.some(fitting, 0.5);
    return some.length > 0 || first === undefined ? some : [draw.pick(...fitting)];
  };
  return {
    objects,
    analysis(waits) {
      const used = chosen(waits);
      if (used.length === 0) return undefined;
      const required = [...new Set(used.flatMap((template) => template.required))];
      const rounds: Fields[] =
        used.some((template) => template.rounds) && draw.maybe(0.6) ? [{ name: 'rounds', value: '12' }] : [];
      const metrics = used.flatMap((template) => template.metrics);
      return {
        templates: used.map(ref),
        ...(required.length + rounds.length === 0 && draw.maybe(0.8)
          ? {}
          : { args: [...required.map((name): Fields => ({ name, ...suppliedValue(draw) })), ...rounds] }),
        ...draw.perhaps(0.07, () => ({
          measurementRetention: [{ metricName: draw.pick('.*', metrics[0] ?? '.*'), limit: 3 }],
        })),
        ...draw.perhaps(0.07, () => ({ dryRun: [{ metricName: '.*' }] })),
        ...draw.perhaps(0.05, () => ({ analysisRunMetadata: { labels: { run: 'web' } } })),
      };
    },
    experimentAnalysis(name, sets) {
      const [used] = chosen(true);
      if (used === undefined) return undefined;
      return {
        name,
        templateName: used.name,
        ...(used.clusterScope ? { clusterScope: true } : {}),
        ...(used.required.length === 0
          ? {}
          : { args: used.required.map((arg): Json => ({ name: arg, ...experimentValue(draw, sets) })) }),
        ...draw.perhaps(0.3, () => ({ requiredForCompletion: true })),
      };
    },
  };
}

function ref({ name, clusterScope }: Template): Fields {
  return { templateName: name, ...(clusterScope ? { clusterScope: true } : {}) };
}

interface Arg {
  readonly name: string;
  readonly required: boolean;
  readonly raw: Fields;
}

function templateArgs(draw: Draw): Arg[] {
  return draw.some(['service', 'threshold', 'token'], 0.4).map((name): Arg => {
    if (name === 'token')
      return { name, required: false, raw: { name, valueFrom: { secretKeyRef: { name: 'tokens', key: 'value' } } } };
    const required = draw.maybe(0.6);
    return { name, required, raw: { name, ...(required ? {} : { value: name === 'service' ? 'web' : '0.95' }) } };
  });
}

function suppliedValue(draw: Draw): Fields {
  return draw.pick<Fields>(
    { value: 'web' },
    { value: '' },
    { valueFrom: { podTemplateHashValue: draw.pick('Latest', 'Stable') } },
    {
      valueFrom: {
        fieldRef: {
          fieldPath: draw.pick(
            'metadata.name',
            "metadata.labels['app']",
            "metadata.annotations['owner']",
            'metadata.namespace',
            'metadata.uid',
            'spec.replicas',
          ),
        },
      },
    },
    {},
  );
}

function experimentValue(draw: Draw, sets: readonly string[]): Fields {
  const [first] = sets;
  return first === undefined || draw.maybe(0.5)
    ? { value: 'web' }
    : { value: `{{templates.${draw.pick(...sets)}.podTemplateHash}}` };
}

function metric(draw: Draw, name: string, ends: boolean | 'by rounds', args: readonly Arg[]): Fields {
  const settings = provider(draw, args);
  const value = VALUES[Object.keys(settings)[0] ?? ''];
  const condition = (compared: string): string => (value === undefined ? 'result != nil' : `${value} ${compared}`);
  return {
    name,
    ...timing(draw, ends),
    ...draw.perhaps(0.6, () => ({ successCondition: condition('>= 0.95') })),
    ...draw.perhaps(0.3, () => ({ failureCondition: condition('< 0.5') })),
    ...draw.perhaps(0.1, () => ({ initialDelay: draw.pick('30s', '1m30s') })),
    provider: settings,
  };
}

// The number in the result of a provider, for those that have one. A condition that does not fit is a mistake.
const VALUES: Readonly<Record<string, string>> = {
  prometheus: 'result[0]',
  datadog: 'result',
  wavefront: 'result[0]',
  graphite: 'result[0]',
  influxdb: 'result[0]',
};

function timing(draw: Draw, ends: boolean | 'by rounds'): Fields {
  if (ends === 'by rounds') return { count: '{{args.rounds}}', interval: '1m' };
  if (!ends)
    return { interval: draw.pick('30s', '5m'), ...draw.perhaps(0.5, () => ({ failureLimit: draw.pick<Json>(1, 3) })) };
  return draw.pick<Fields>(
    {},
    { count: 1 },
    { count: draw.pick<Json>(5, '5'), interval: '1m' },
    { count: 10, interval: '10s', failureLimit: draw.pick<Json>(3, 10, 0), inconclusiveLimit: draw.pick<Json>(0, 10) },
    { count: 6, interval: '1.5h', failureLimit: 3, consecutiveSuccessLimit: draw.pick<Json>(3, 1) },
    {
      count: 3,
      interval: '1s',
      failureLimit: -1,
      consecutiveSuccessLimit: 3,
      consecutiveErrorLimit: draw.pick<Json>(0, 4),
    },
  );
}

function provider(draw: Draw, args: readonly Arg[]): Fields {
  const [first] = args;
  const query =
    first === undefined || draw.maybe(0.2)
      ? 'up'
      : `sum(up{service="{{args.${first.name}}}"}) > {{ args.${first.name} }}`;
  // Placeholders count in every text of a metric, keys included.
  const filled = (written: string): string =>
    first !== undefined && draw.maybe(0.15) ? `${written}{{args.${first.name}}}` : written;
  return draw.pick<() => Fields>(
    () => ({
      prometheus: {
        address: filled('http://prometheus:9090'),
        query,
        ...draw.perhaps(0.2, () => ({ headers: [{ key: filled('X-Scope'), value: filled('a') }] })),
        ...draw.perhaps(0.1, () => ({ rangeQuery: { start: filled('now()'), end: 'now()', step: filled('1m') } })),
      },
    }),
    () => ({
      web: {
        url: filled('https://example.com/check'),
        ...draw.perhaps(0.5, () => ({
          headers: [{ key: filled('Authorization'), value: query }],
          jsonPath: filled('{$.ok}'),
        })),
        ...draw.perhaps(0.1, () => ({ method: 'POST', jsonBody: { [filled('service')]: { name: [filled('web')] } } })),
        ...draw.perhaps(0.1, () => ({ authentication: { sigv4: { region: filled('eu'), profile: filled('web') } } })),
      },
    }),
    () => ({
      job: {
        ...draw.perhaps(0.2, () => ({ metadata: { labels: { [filled('run')]: filled('web') } } })),
        spec: {
          template: {
            spec: {
              containers: [
                {
                  name: 'check',
                  image: filled('check:1'),
                  args: [query],
                  ...draw.perhaps(0.3, () => ({ env: [{ name: 'SERVICE', value: filled('web') }] })),
                },
              ],
              restartPolicy: 'Never',
            },
          },
        },
      },
    }),
    () => ({
      datadog: {
        query,
        ...draw.perhaps(0.2, () => ({ interval: '5m' })),
        ...draw.perhaps(0.4, () => ({ requestTimeout: filled(draw.pick('30s', '1m30s')) })),
      },
    }),
    () => ({ plugin: { 'example/sample': { query, [filled('deep')]: [{ text: filled('web') }] } } }),
    () => ({ newRelic: { query, ...draw.perhaps(0.2, () => ({ profile: filled('web') })) } }),
    () => ({ wavefront: { address: filled('wavefront'), query } }),
    () => ({
      cloudWatch: { metricDataQueries: [{ id: 'a', expression: query, label: filled('errors') }] },
    }),
    () => ({ graphite: { address: filled('http://graphite'), query } }),
    () => ({ influxdb: { query, ...draw.perhaps(0.2, () => ({ profile: filled('web') })) } }),
    () => ({
      skywalking: {
        query,
        address: filled('http://skywalking'),
        ...draw.perhaps(0.9, () => ({ interval: filled('5m') })),
      },
    }),
    () => ({
      kayenta: {
        address: filled('http://kayenta'),
        application: filled('web'),
        canaryConfigName: 'web',
        metricsAccountName: 'm',
        configurationAccountName: filled('c'),
        storageAccountName: 's',
        threshold: { pass: 90, marginal: 75 },
        scopes: [scope(filled)],
      },
    }),
  )();
}

function scope(filled: (written: string) => string): Fields {
  const one: Fields = {
    scope: filled('web'),
    region: filled('eu'),
    step: 60,
    start: '2026-01-01T00:00:00Z',
    end: '2026-01-01T01:00:00Z',
  };
  return { name: 'default', controlScope: one, experimentScope: { ...one } };
}
