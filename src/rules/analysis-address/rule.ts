import {
  countedAnalyses,
  ANALYSIS_PLACES,
  combineArgs,
  combinedMetrics,
  knownValues,
  metricsOf,
  named,
  NESTED_TEMPLATE_PLACES,
  TEMPLATE_ARG_PLACES,
  TEMPLATE_KINDS,
  templateResolver,
  type Metric,
} from '../../world/analysis.ts';
import type { Analysis } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { resolveWith, type Resolve } from '../../world/metrics.ts';
import { nearest } from '../../world/nearest.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { asArray, asString, dig } from '../../world/read.ts';
import { blueGreenOf, stepsOf } from '../../world/rollout.ts';
import { experimentServices } from '../../world/strategy-references.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { AFTER_FIVE_ERRORS } from '../measurement-errors.ts';

// Where a provider has the address that the controller sends its requests to.
const ADDRESSES: readonly Path[] = [
  ['provider', 'web', 'url'],
  ['provider', 'prometheus', 'address'],
  ['provider', 'graphite', 'address'],
  ['provider', 'skywalking', 'address'],
  ['provider', 'kayenta', 'address'],
];
// A host is at most 253 characters, and stands at the beginning.
const MAX_START = 500;
const MAX_LENGTH = 5_000;
const HOST = /^https?:\/\/(?:[^/?#@]*@)?([a-z0-9.-]+)(?:[:/?#]|$)/;

// Bounds the cost, because each is compared with all Services of a namespace.
const MAX_NEAR = 20;

const messages = {
  absent: {
    class: 'missing',
    text: 'Service "{service}" not found, but metric "{metric}" of {template} measures its address in {analysis}',
    fix: 'create it, or correct the address',
  },
  noNamespace: {
    class: 'advice',
    text: 'metric "{metric}" of {template} names Service "{service}" without a namespace, so the Rollouts controller looks for it in the namespace where the controller runs',
    fix: 'use {service}.{namespace} as the host, unless the controller runs in namespace "{namespace}"',
  },
  active: {
    class: 'advice',
    text: '{analysis} measures active Service "{service}" (metric "{metric}" of {template}), which still selects the pods of the old version',
    fix: 'use the address of previewService',
  },
} as const;

export const analysisAddress = defineRule({
  id: 'analysis-address',
  summary: 'An analysis measures a Service that exists, and before promotion not the active one.',
  explanation:
    'The controller itself sends the requests of web, Prometheus, Graphite, SkyWalking and Kayenta metrics. A host such as ' +
    'reviews.shop or reviews.shop.svc.cluster.local is a Service. If it does not exist, each measurement is an error, and ' +
    `${AFTER_FIVE_ERRORS}. ` +
    'A name without dots is a Service in the namespace of the ' +
    'controller. Before the promotion of a blue-green update, the active Service selects the pods of the old version. Only ' +
    'Services in the namespace of the Rollout are checked. A Service that an experiment creates need not exist. One that stores metrics, such as Prometheus, is ' +
    'reported only if there is another Service with nearly the same name. Source: ' +
    'Argo Rollouts v1.9.1, metricproviders and rollout/bluegreen.go (reconcileBlueGreenServices); Kubernetes, DNS for ' +
    'Services and Pods.',
  subject: {
    'Rollout.argoproj.io': [
      ...ANALYSIS_PLACES['Rollout.argoproj.io'],
      'spec.strategy.blueGreen.activeService',
      'spec.strategy.blueGreen.previewService',
      'spec.strategy.canary.steps[*].experiment.templates[*].service.name',
    ],
  },
  reads: {
    Service: [],
    ...inEach(TEMPLATE_KINDS, [
      ...TEMPLATE_ARG_PLACES,
      ...NESTED_TEMPLATE_PLACES,
      'spec.metrics[*].name',
      ...ADDRESSES.map((path) => `spec.metrics[*].${path.join('.')}` as const),
    ]),
  },
  messages,
  check(context, rollout) {
    const resolveAll = templateResolver(namespaceOf(rollout), context, (template) => metricsOf(template).length);
    const reported = new Set<string>();
    const analyses = countedAnalyses(rollout, context);
    const created = servicesOfExperiments(rollout);
    for (const analysis of analyses) {
      const { templates } = resolveAll(analysis.templates);
      const requests = requestsOf(templates);
      if (requests.length === 0) continue;
      const resolve = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
      context.spend(requests.length);
      const found = requests.flatMap(({ metric, address, path }) => {
        const target = serviceAt(address, resolve, namespaceOf(rollout));
        return target === undefined || created.has(target.service) ? [] : [{ metric, path, ...target }];
      });
      const measured = new Set(found.map(({ service }) => service));
      for (const request of found) check(context, rollout, { analysis, request, measured, reported });
    }
  },
});

type Context = RuleContext<typeof messages>;

interface Target {
  readonly service: string;
  /** Whether the address names the namespace. */
  readonly isQualified: boolean;
}

interface Request extends Target {
  readonly metric: Metric;
  readonly path: Path;
}

interface Found {
  readonly analysis: Analysis;
  readonly request: Request;
  /** All Services that the analysis measures. */
  readonly measured: ReadonlySet<string>;
  readonly reported: Set<string>;
}

function check(context: Context, rollout: KubeObject, { analysis, request, measured, reported }: Found): void {
  const { metric, path, service, isQualified } = request;
  const isProbed = path.includes('web');
  const report = (id: keyof typeof messages): void => {
    if (reported.has(`${id} ${service}`)) return;
    reported.add(`${id} ${service}`);
    context.report(id, {
      path: analysis.templatesPath,
      anchor: `${analysis.anchor} ${service}`,
      data: {
        service,
        metric: metric.name,
        template: named(metric.template),
        analysis: analysis.title,
        namespace: namespaceOf(rollout),
      },
      related: [{ object: metric.template, path }],
    });
  };
  const { state } = context.lookup('Service', namespaceOf(rollout), service);
  if (!isQualified) {
    // The controller may have a Service of this name in its own namespace.
    if (state === 'present') report('noNamespace');
  } else if (state === 'absent' && (isProbed || nearestService(context, rollout, service) !== undefined))
    report('absent');
  const blueGreen = blueGreenOf(rollout);
  const isActive = analysis.role === 'prePromotion' && service === asString(blueGreen?.['activeService']);
  // An analysis that measures both compares them.
  if (isActive && !measured.has(asString(blueGreen?.['previewService']))) report('active');
}

// What stores metrics is often in no manifest, such as the Services that an operator creates.
function nearestService(context: Context, rollout: KubeObject, service: string): string | undefined {
  const { names, near } = namesIn(context.list('Service', namespaceOf(rollout)));
  if (!near.has(service) && near.size < MAX_NEAR) near.set(service, nearest(service, names));
  return near.get(service);
}

// Many Rollouts may have the same address.
const namesIn = memo((services: readonly KubeObject[]) => ({
  names: services.map(({ metadata }) => metadata.name),
  near: new Map<string, string | undefined>(),
}));

interface AddressOf {
  readonly metric: Metric;
  readonly address: string;
  readonly path: Path;
}

// A template is filled in again for each analysis that uses it, and few have more than one address.
const MAX_ADDRESSES = 20;

// Each address once, with the first metric that has it.
const requestsOf = memo((templates: readonly KubeObject[]): readonly AddressOf[] => {
  const distinct = new Map<string, AddressOf>();
  for (const metric of combinedMetrics(templates)) {
    for (const path of ADDRESSES) {
      const address = asString(dig(metric.raw, ...path.map(String)));
      if (address !== '' && address.length <= MAX_LENGTH && !distinct.has(address))
        distinct.set(address, { metric, address, path: [...metric.path, ...path] });
    }
    if (distinct.size >= MAX_ADDRESSES) break;
  }
  return [...distinct.values()];
});

/** Returns the Service of a namespace that an address names; undefined if it is another host or not known. */
function serviceAt(address: string, resolve: Resolve, namespace: string): Target | undefined {
  const host = HOST.exec((resolve(address) ?? '').slice(0, MAX_START))?.[1];
  if (host === undefined) return undefined;
  const [service = '', ...rest] = host.replace(/\.$/, '').split('.');
  if (rest.length === 0) return { service, isQualified: false };
  const [home, ...domain] = rest;
  const isService = ['', 'svc', 'svc.cluster.local'].includes(domain.join('.'));
  return home === namespace && isService ? { service, isQualified: true } : undefined;
}

function servicesOfExperiments(rollout: KubeObject): ReadonlySet<string> {
  return new Set(
    stepsOf(rollout)
      .map((step) => dig(step, 'experiment', 'templates'))
      .filter((templates) => asArray(templates).length > 0)
      .flatMap((templates) => experimentServices(templates, [], namespaceOf(rollout)).map(({ name }) => name)),
  );
}
