import {
  countedAnalyses,
  ANALYSIS_PLACES,
  combineArgs,
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
import { resolveWith } from '../../world/metrics.ts';
import { nearest } from '../../world/nearest.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { describePorts, isExternalName, portsOf } from '../../world/ports.ts';
import { asArray, asString, dig } from '../../world/read.ts';
import { blueGreenOf, stepsOf } from '../../world/rollout.ts';
import { experimentServices } from '../../world/strategy-references.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { AFTER_FIVE_ERRORS } from '../measurement-errors.ts';
import { ADDRESS_PLACES, requestsOf, targetsOf, type Target } from './addresses.ts';

// Bounds the cost, because each is compared with all Services of a namespace.
const MAX_NEAR = 20;

const messages = {
  absent: {
    class: 'missing',
    text: 'Service "{service}" not found, but metric "{metric}" of {template} measures its address in {analysis}',
    fix: 'create it, or correct the address{hint}',
  },
  noNamespace: {
    class: 'advice',
    text: 'metric "{metric}" of {template} names Service "{service}" without a namespace, so the Rollouts controller looks for it in the namespace where the controller runs',
    fix: 'use {service}.{namespace} as the host, unless the controller runs in namespace "{namespace}"',
  },
  port: {
    class: 'advice',
    text: '{analysis} asks Service "{service}" for port {port} (metric "{metric}" of {template}), but it has only {ports}',
    fix: 'use a port that the Service has',
  },
  active: {
    class: 'advice',
    text: '{analysis} measures active Service "{service}" (metric "{metric}" of {template}), which still selects the pods of the old version',
    fix: '{remedy}',
  },
} as const;

export const analysisAddress = defineRule({
  id: 'analysis-address',
  summary: 'An analysis measures a Service that exists and has the port, and before promotion not the active one.',
  explanation:
    'The controller itself sends the requests of web, Prometheus, Graphite, SkyWalking and Kayenta metrics. A host such as ' +
    'reviews.shop or reviews.shop.svc.cluster.local is a Service. If it does not exist, each measurement is an error, and ' +
    `${AFTER_FIVE_ERRORS}. ` +
    'The same happens if the Service has no such port. A name without dots is a Service in the namespace of the ' +
    'controller. Before the promotion of a blue-green update, the active Service selects the pods of the old version. Only ' +
    'Services in the namespace of the Rollout are checked. A Service that an experiment creates need not exist. One that stores metrics, such as Prometheus, is ' +
    'reported only if there is another Service with nearly the same name. A Job is reported only if its arguments or ' +
    'variables have a URL of the active Service. Source: ' +
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
    Service: ['spec.ports', 'spec.type', 'spec.clusterIP'],
    ...inEach(TEMPLATE_KINDS, [
      ...TEMPLATE_ARG_PLACES,
      ...NESTED_TEMPLATE_PLACES,
      'spec.metrics[*].name',
      ...ADDRESS_PLACES,
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
      const found = requests.flatMap((request) =>
        targetsOf(request, resolve, namespaceOf(rollout))
          .filter(({ service }) => !created.has(service))
          .map((target) => ({ metric: request.metric, path: request.path, ...target })),
      );
      const measured = new Set(found.map(({ service }) => service));
      for (const request of found) check(context, rollout, { analysis, request, measured, reported });
    }
  },
});

type Context = RuleContext<typeof messages>;

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

interface Details {
  readonly hint?: string;
  readonly ports?: string;
  readonly remedy?: string;
}

type Report = (id: keyof typeof messages, details?: Details) => void;

function check(context: Context, rollout: KubeObject, { analysis, request, measured, reported }: Found): void {
  const { metric, path, service, port } = request;
  const report: Report = (id, { hint = '', ports = '', remedy = '' } = {}) => {
    const place = id === 'port' ? `${service} ${port}` : service;
    if (reported.has(`${id} ${place}`)) return;
    reported.add(`${id} ${place}`);
    context.report(id, {
      path: analysis.templatesPath,
      anchor: `${analysis.anchor} ${place}`,
      data: {
        service,
        metric: metric.name,
        template: named(metric.template),
        analysis: analysis.title,
        namespace: namespaceOf(rollout),
        hint,
        port: port ?? '',
        ports,
        remedy,
      },
      related: [{ object: metric.template, path }],
    });
  };
  checkService(context, rollout, request, report);
  const blueGreen = blueGreenOf(rollout);
  const isActive = analysis.role === 'prePromotion' && service === asString(blueGreen?.['activeService']);
  const preview = asString(blueGreen?.['previewService']);
  // An analysis that measures both compares them.
  if (isActive && !measured.has(preview))
    report('active', {
      remedy:
        preview === ''
          ? 'add a previewService and use its address, or measure after the promotion'
          : 'use the address of previewService',
    });
}

function checkService(
  context: Context,
  rollout: KubeObject,
  { path, service, isQualified, isOfJob, port }: Request,
  report: Report,
): void {
  // What a Job does with a URL is not known, but that is where it asks.
  if (isOfJob) return;
  const found = context.lookup('Service', namespaceOf(rollout), service);
  if (found.state === 'present') {
    // The controller may have a Service of this name in its own namespace.
    if (!isQualified) report('noNamespace');
    else if (port !== undefined && lacksPort(found.object, port))
      report('port', { ports: describePorts(portsOf(found.object)) });
  } else if (isQualified && found.state === 'absent') {
    const near = nearestService(context, rollout, service);
    if (near !== undefined) report('absent', { hint: ` (did you mean Service "${near}"?)` });
    else if (path.includes('web')) report('absent');
  }
}

// A headless Service has the addresses of its pods, whose ports need not be declared anywhere.
function lacksPort(service: KubeObject, port: number): boolean {
  const ports = portsOf(service);
  return (
    ports.length > 0 &&
    !isExternalName(service) &&
    dig(service, 'spec', 'clusterIP') !== 'None' &&
    !ports.some(({ number }) => number === port)
  );
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

function servicesOfExperiments(rollout: KubeObject): ReadonlySet<string> {
  return new Set(
    stepsOf(rollout)
      .map((step) => dig(step, 'experiment', 'templates'))
      .filter((templates) => asArray(templates).length > 0)
      .flatMap((templates) => experimentServices(templates, [], namespaceOf(rollout)).map(({ name }) => name)),
  );
}
