import { kindOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, asString, dig, isObject, optionalNumber } from '../../world/read.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { experimentServices } from '../../world/strategy-references.ts';
import type { Path } from '../../world/path.ts';
import { effectiveTemplate, effectiveTemplatePlaces, countedSteps, workloadPlaces } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const PORTS = 'spec.containers[*].ports';
const ENDED = ['Successful', 'Failed', 'Error', 'Inconclusive'];
// Argo Rollouts v1.9.1, utils/defaults (DefaultScaleDownDelaySeconds).
const SCALE_DOWN_DELAY = 30;
const WHY = {
  taken:
    'The validation does not check the Services of an experiment. At its step the Service cannot be created, the experiment fails, and the update of its Rollout is aborted.',
  twice:
    'The validation does not compare the templates of an experiment. The Service of the second cannot be created, the experiment fails, and the update of its Rollout is aborted.',
};

const messages = {
  taken: {
    class: 'invalid',
    text: '{experiment} creates Service "{service}" for template "{template}", but this Service already exists',
    fix: 'use another name, or leave out service.name',
  },
  twice: {
    class: 'invalid',
    text: '{experiment} creates Service "{service}" for two templates',
    fix: 'give each template a Service of its own, or leave out service.name',
  },
  tooSoon: {
    class: 'advice',
    text: '{experiment} creates Service "{service}", but the one of step {before} still exists for at least {seconds} seconds after its experiment ends',
    fix: 'use another name, or put a pause of more than {seconds} seconds before step {number}',
  },
} as const;

/** The templates of an experiment, each with the ports of its pods. */
interface Stated {
  readonly title: string;
  readonly templates: unknown;
  readonly path: Path;
  /** Whether the pods of a template have a port. Without one, or without pods, no Service is created. */
  readonly hasPorts: (template: unknown) => boolean;
}

// What it takes to find out whether a template makes a Service, in operations.
const COST_OF_TEMPLATE = 2;

export const experimentService = defineRule({
  id: 'experiment-service',
  summary: 'The Services that an experiment creates do not exist yet.',
  explanation:
    'For a template with service.name the controller creates a Service of that name, with the ports of the ' +
    'containers. If a Service exists that this experiment has not created, the experiment fails, and the update is ' +
    'aborted. So the stable and the canary Service cannot be used either. The Service of an experiment that has ended ' +
    'exists as long as its pods, which are deleted only after scaleDownDelaySeconds. Source: Argo Rollouts v1.9.1, ' +
    'experiments/service.go (CreateService) and experiments/experiment.go (createTemplateService).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.steps[*].experiment.templates',
      'spec.strategy.canary.steps[*].experiment.scaleDownDelaySeconds',
      'spec.strategy.canary.steps[*].pause',
      'spec.strategy.canary.steps[*].analysis',
      ...effectiveTemplatePlaces(PORTS),
    ],
    'Experiment.argoproj.io': ['spec.templates', 'spec.terminate', 'status.phase'],
  },
  reads: { Service: ['metadata.ownerReferences'], ...workloadPlaces(PORTS) },
  stricterThanUpstream: {
    taken: { why: WHY.taken, seenBy: ['e2e'] },
    twice: { why: WHY.twice, seenBy: ['e2e'] },
  },
  messages,
  check(context, subject) {
    for (const experiment of experimentsOf(context, subject)) checkExperiment(context, subject, experiment);
    if (kindOf(subject) === 'Rollout.argoproj.io') checkSteps(context, subject);
  },
});

// Two experiments of one Rollout are two objects, each with Services of its own.
function checkSteps(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  let last: { readonly index: number; readonly delay: number; readonly services: ReadonlySet<string> } | undefined;
  let paused = 0;
  for (const [index, step] of countedSteps(rollout, context).entries()) {
    const path = ['spec', 'strategy', 'canary', 'steps', index, 'experiment', 'templates'];
    if (!isObject(dig(step, 'experiment'))) {
      paused += secondsOf(step);
      continue;
    }
    const created = experimentServices(dig(step, 'experiment', 'templates'), path, namespaceOf(rollout));
    const first = created.find(({ name }) => last?.services.has(name));
    if (
      last !== undefined &&
      paused <= last.delay &&
      first !== undefined &&
      declaresPort(effectiveTemplate(rollout, context.find)?.template)
    ) {
      context.report('tooSoon', {
        path: first.path,
        anchor: first.name,
        data: {
          experiment: `the experiment of step ${index + 1}`,
          service: first.name,
          before: last.index + 1,
          seconds: last.delay,
          number: index + 1,
        },
      });
    }
    const delay = optionalNumber(dig(step, 'experiment', 'scaleDownDelaySeconds')) ?? SCALE_DOWN_DELAY;
    last = { index, delay, services: new Set(created.map(({ name }) => name)) };
    paused = 0;
  }
}

/** Returns how long a step pauses at least, without limit if a person ends it. An analysis takes as long as it takes. */
function secondsOf(step: unknown): number {
  if (isObject(dig(step, 'analysis'))) return Infinity;
  const pause = dig(step, 'pause');
  if (!isObject(pause)) return 0;
  const { duration } = pause;
  if (duration === undefined || duration === null) return Infinity;
  if (typeof duration === 'number') return duration;
  const seconds = asString(duration);
  return /^\d+$/.test(seconds) ? Number(seconds) : (parseGoDuration(seconds) ?? Infinity);
}

function checkExperiment(
  context: RuleContext<typeof messages>,
  subject: KubeObject,
  { title, templates, path, hasPorts }: Stated,
): void {
  context.spend(COST_OF_TEMPLATE * asArray(templates).length);
  const created = new Set<string>();
  for (const reference of experimentServices(templates, path, namespaceOf(subject))) {
    const template = asArray(templates)[Number(reference.path[path.length])];
    if (dig(template, 'replicas') === 0 || !hasPorts(template)) continue;
    const { name } = reference;
    const place = { path: reference.path, anchor: name };
    if (created.has(name)) {
      context.report('twice', { ...place, data: { experiment: title, service: name } });
      continue;
    }
    created.add(name);
    const service = context.find('Service', reference.namespace, name);
    if (service === undefined || isOfExperiment(service)) continue;
    context.report('taken', {
      ...place,
      data: { experiment: title, service: name, template: asString(dig(template, 'name')) },
      related: [{ object: service, path: ['metadata', 'name'] }],
    });
  }
}

// While an experiment runs, its Service exists.
function isOfExperiment(service: KubeObject): boolean {
  return asArray(service.metadata['ownerReferences']).some((owner) => dig(owner, 'kind') === 'Experiment');
}

function experimentsOf(context: RuleContext<typeof messages>, subject: KubeObject): Stated[] {
  if (kindOf(subject) === 'Experiment.argoproj.io') {
    // An Experiment that has ended creates nothing any more.
    const hasEnded =
      dig(subject, 'spec', 'terminate') === true || ENDED.includes(asString(dig(subject, 'status', 'phase')));
    const templates = dig(subject, 'spec', 'templates');
    const hasPorts = (template: unknown): boolean => declaresPort(dig(template, 'template'));
    return hasEnded ? [] : [{ title: 'the experiment', templates, path: ['spec', 'templates'], hasPorts }];
  }
  return countedSteps(subject, context).flatMap((step, index): Stated[] => {
    const templates = dig(step, 'experiment', 'templates');
    if (asArray(templates).length === 0) return [];
    return [
      {
        title: `the experiment of step ${index + 1}`,
        templates,
        path: ['spec', 'strategy', 'canary', 'steps', index, 'experiment', 'templates'],
        hasPorts: () => declaresPort(effectiveTemplate(subject, context.find)?.template),
      },
    ];
  });
}

function declaresPort(template: unknown): boolean {
  return asArray(dig(template, 'spec', 'containers')).some((container) => asArray(dig(container, 'ports')).length > 0);
}
