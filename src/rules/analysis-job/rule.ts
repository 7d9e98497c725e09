import { metricsOf, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { containersOf, renderContainer } from '../../world/containers.ts';
import type { Path } from '../../world/path.ts';
import { isQuantity } from '../../world/quantity.ts';
import { dig, asObject, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  quantity: {
    class: 'invalid',
    text: '{container} of metric "{metric}" has the {list} {resource} "{value}", which is no quantity Kubernetes reads',
    fix: 'write a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi',
  },
  duplicate: {
    class: 'invalid',
    text: 'two containers of metric "{metric}" are named "{name}"',
    fix: 'give each its own name',
  },
} as const;

export const analysisJob = defineRule({
  id: 'analysis-job',
  summary: 'The Job of a metric has containers of different names, and resources that are quantities.',
  explanation:
    'The schema of a template does not look into requests and limits of a Job, so the API server stores anything there; the controller calls the template malformed and goes on with what it could read of it. One name twice is refused by ' +
    'the API server itself: in the schema the name is the key of the list. Source: Argo Rollouts v1.9.1, manifests/crds/analysis-template-crd.yaml and utils/tolerantinformer, and Kubernetes v1.34, pkg/api/resource.',
  subject: [...TEMPLATE_KINDS],
  reads: [],
  messages,
  check(context, template) {
    for (const { name: metric, raw, path } of metricsOf(template)) {
      const pod = asObject(dig(raw, 'provider', 'job', 'spec', 'template'));
      judgePod(context, metric, pod, [...path, 'provider', 'job', 'spec', 'template']);
    }
  },
});

function judgePod(context: RuleContext<typeof messages>, metric: string, pod: JsonObject, path: Path): void {
  const names = new Set<string>();
  for (const container of containersOf(pod, path)) {
    const { name, list } = container;
    // The two lists are checked apart: the key is that of one list.
    if (names.has(`${list} ${name}`))
      context.report('duplicate', {
        path: [...container.path, 'name'],
        anchor: `${metric} ${name}`,
        data: { metric, name },
      });
    names.add(`${list} ${name}`);
    for (const resources of ['requests', 'limits']) {
      for (const [resource, value] of Object.entries(asObject(dig(container.raw, 'resources', resources)))) {
        // The template is read before its placeholders are filled in.
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
