import { metricsOf, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { containersOf, renderContainer } from '../../world/containers.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { isQuantity } from '../../world/quantity.ts';
import { dig, asObject, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  quantity: {
    class: 'invalid',
    text: '{container} of metric "{metric}" sets {list}.{resource} to "{value}", which is not a valid quantity',
    fix: 'use a Kubernetes quantity, such as 500m, 0.5, 512Mi or 1Gi',
  },
  duplicate: {
    class: 'invalid',
    text: 'two containers of metric "{metric}" are named "{name}"',
    fix: 'rename one of them',
  },
} as const;

export const analysisJob = defineRule({
  id: 'analysis-job',
  summary: 'The Job of a metric has containers with unique names and valid resource quantities.',
  explanation:
    'The schema of a template does not check the requests and limits of a Job, so the API server stores any value. ' +
    'The controller then calls the template malformed and continues with the parts that it can read. The API server ' +
    'itself rejects two containers with the same name, because the name is the key of the list in the schema. ' +
    'Source: Argo Rollouts v1.9.1, manifests/crds/analysis-template-crd.yaml and utils/tolerantinformer, and ' +
    'Kubernetes v1.34, pkg/api/resource.',
  subject: inEach(TEMPLATE_KINDS, ['spec.metrics[*].name', 'spec.metrics[*].provider.job.spec.template.spec']),
  reads: {},
  messages,
  check(context, template) {
    for (const { name: metric, raw, path } of metricsOf(template)) {
      const pod = asObject(dig(raw, 'provider', 'job', 'spec', 'template'));
      checkPod(context, metric, pod, [...path, 'provider', 'job', 'spec', 'template']);
    }
  },
});

function checkPod(context: RuleContext<typeof messages>, metric: string, pod: JsonObject, path: Path): void {
  const names = new Set<string>();
  for (const container of containersOf(pod, path)) {
    const { name, list } = container;
    // A name must be unique within each list, because it is the key of that list.
    if (names.has(`${list} ${name}`))
      context.report('duplicate', {
        path: [...container.path, 'name'],
        anchor: `${metric} ${name}`,
        data: { metric, name },
      });
    names.add(`${list} ${name}`);
    for (const resources of ['requests', 'limits']) {
      for (const [resource, value] of Object.entries(asObject(dig(container.raw, 'resources', resources)))) {
        // A placeholder is invalid too, because the controller reads the template before it fills them in.
        if (typeof value !== 'string' || isQuantity(value)) continue;
        context.report('quantity', {
          path: [...container.path, 'resources', resources, resource],
          anchor: `${metric} ${name} ${resources} ${resource}`,
          data: { container: renderContainer(container), metric, list: resources, resource, value },
        });
      }
    }
  }
}
