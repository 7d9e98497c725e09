import { kindOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, asString, dig } from '../../world/read.ts';
import { experimentServices } from '../../world/strategy-references.ts';
import type { Path } from '../../world/path.ts';
import {
  effectiveTemplate,
  effectiveTemplatePlaces,
  serviceRoles,
  SERVICE_ROLE_PLACES,
  stepsOf,
  workloadPlaces,
} from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const PORTS = 'spec.containers[*].ports';
const WHY =
  'Nothing checks the Services of an experiment before its step. Then the Service cannot be created, the experiment fails, and the update is aborted.';

const messages = {
  taken: {
    class: 'invalid',
    text: '{experiment} creates Service "{service}" for template "{template}", but this Service exists',
    fix: 'use another name, or leave out service.name',
  },
  twice: {
    class: 'invalid',
    text: '{experiment} creates Service "{service}" for two templates',
    fix: 'give each template a Service of its own, or leave out service.name',
  },
} as const;

/** The templates of an experiment, each with the ports of its pods. */
interface Stated {
  readonly title: string;
  readonly templates: unknown;
  readonly path: Path;
  /** The stable and the canary Service, if it is the experiment of a Rollout. */
  readonly driven: ReadonlySet<string>;
  /** Whether the pods of a template have a port. Without one, no Service is created. */
  readonly hasPorts: (index: number) => boolean;
}

export const experimentService = defineRule({
  id: 'experiment-service',
  summary: 'An experiment creates only Services that do not exist.',
  explanation:
    'For a template with service.name the controller creates a Service of that name, with the ports of the ' +
    'containers. If a Service exists that this experiment has not created, the experiment fails, and the update is ' +
    'aborted. The stable and the canary Service cannot be used either. Source: Argo Rollouts v1.9.1, ' +
    'experiments/service.go (CreateService) and experiments/experiment.go (createTemplateService).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.steps[*].experiment.templates',
      ...SERVICE_ROLE_PLACES,
      ...effectiveTemplatePlaces(PORTS),
    ],
    'Experiment.argoproj.io': ['spec.templates'],
  },
  reads: { Service: ['metadata.ownerReferences'], ...workloadPlaces(PORTS) },
  stricterThanUpstream: {
    taken: { why: WHY, seenBy: [] },
    twice: { why: WHY, seenBy: [] },
  },
  messages,
  check(context, subject) {
    for (const experiment of experimentsOf(context, subject)) checkExperiment(context, subject, experiment);
  },
});

function checkExperiment(
  context: RuleContext<typeof messages>,
  subject: KubeObject,
  { title, templates, path, driven, hasPorts }: Stated,
): void {
  const created = new Set<string>();
  for (const reference of experimentServices(templates, path, namespaceOf(subject))) {
    const index = Number(reference.path[path.length]);
    if (!hasPorts(index)) continue;
    const { name } = reference;
    const place = { path: reference.path, anchor: `${path.join('.')} ${name}` };
    if (created.has(name)) {
      context.report('twice', { ...place, data: { experiment: title, service: name } });
      continue;
    }
    created.add(name);
    const service = context.find('Service', reference.namespace, name);
    if (!driven.has(name) && (service === undefined || isOfExperiment(service))) continue;
    const template = asString(dig(asArray(templates)[index], 'name'));
    context.report('taken', {
      ...place,
      data: { experiment: title, service: name, template },
      ...(service === undefined ? {} : { related: [{ object: service, path: ['metadata', 'name'] }] }),
    });
  }
}

// While an experiment runs, its Service exists.
function isOfExperiment(service: KubeObject): boolean {
  return asArray(service.metadata['ownerReferences']).some((owner) => dig(owner, 'kind') === 'Experiment');
}

function experimentsOf(context: RuleContext<typeof messages>, subject: KubeObject): Stated[] {
  if (kindOf(subject) === 'Experiment.argoproj.io') {
    const templates = dig(subject, 'spec', 'templates');
    const hasPorts = (index: number): boolean => declaresPort(dig(asArray(templates)[index], 'template'));
    return [{ title: 'the experiment', templates, path: ['spec', 'templates'], driven: new Set(), hasPorts }];
  }
  const driven = new Set(serviceRoles(subject).map(([, service]) => service));
  return stepsOf(subject).flatMap((step, index): Stated[] => {
    const templates = dig(step, 'experiment', 'templates');
    if (asArray(templates).length === 0) return [];
    return [
      {
        title: `the experiment of step ${index + 1}`,
        templates,
        path: ['spec', 'strategy', 'canary', 'steps', index, 'experiment', 'templates'],
        driven,
        hasPorts: () => declaresPort(effectiveTemplate(subject, context.find)?.template),
      },
    ];
  });
}

function declaresPort(template: unknown): boolean {
  return asArray(dig(template, 'spec', 'containers')).some((container) => asArray(dig(container, 'ports')).length > 0);
}
