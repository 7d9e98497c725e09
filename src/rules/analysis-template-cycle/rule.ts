import { named, nestedTemplates, TEMPLATE_KINDS, type Lookups } from '../../world/analysis.ts';
import type { TemplateRef } from '../../world/collect-analyses.ts';
import { keyOf, KINDS, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { defineRule } from '../define.ts';

// Without a bound, the cost would grow with the square of the length of a chain of templates.
const MAX_TEMPLATES = 1_000;

export const analysisTemplateCycle = defineRule({
  id: 'analysis-template-cycle',
  summary: 'Analysis templates do not include each other in a cycle.',
  explanation:
    'A template can include other templates in its own spec.templates list. The controller follows these references ' +
    'without a check for cycles. As soon as a Rollout uses a template in a cycle, the controller recurses until its ' +
    'stack overflows and the process ends. This stops every update in the cluster, and it happens again after each ' +
    'restart. Source: Argo Rollouts v1.9.1, rollout/controller.go (getReferencedAnalysisTemplatesFromRef), ' +
    'experiments (getAnalysisTemplatesFromRefs).',
  subject: [...TEMPLATE_KINDS],
  reads: [...TEMPLATE_KINDS],
  example: { fixture: 'bad-circle.yaml', referenced: 'AnalysisTemplate latency' },
  messages: {
    circle: {
      class: 'invalid',
      text: '{template} includes itself ({circle}), which crashes the controller when a Rollout uses it',
      fix: 'remove "{next}" from spec.templates{other}',
    },
  },
  check(context, template) {
    const way = wayBack(template, context);
    const [first] = way;
    if (first === undefined) return;
    const names = [template.metadata.name, ...way.map(({ ref }) => ref.name)];
    context.report('circle', {
      path: first.ref.path,
      anchor: `${first.ref.kind} ${first.ref.name}`,
      data: {
        template: named(template),
        circle: names.map((name) => `"${name}"`).join(' -> '),
        next: first.ref.name,
        other: way.length > 1 ? ', or break the cycle elsewhere' : '',
      },
      related: way.slice(1).map(({ from, ref }) => ({ object: from, path: ref.path })),
    });
  },
});

// One reference on the path through the templates, and the template that contains it.
interface Step {
  readonly from: KubeObject;
  readonly ref: TemplateRef;
  readonly before: Step | undefined;
}

// Returns the shortest path from a template back to itself (breadth-first), or an empty list. References from a
// cluster-scoped template to namespaced ones are not followed, because it has no namespace of its own. A cycle through
// them is found when the namespaced template is checked.
function wayBack(start: KubeObject, { find, skip }: Lookups): readonly Step[] {
  const home = namespaceOf(start);
  const goal = keyOf(start);
  const seen = new Set<ObjectKey>();
  const queue: { template: KubeObject; step: Step | undefined }[] = [{ template: start, step: undefined }];
  for (const { template, step } of queue) {
    for (const ref of nestedTemplates(template)) {
      const { namespaced } = KINDS[ref.kind];
      const next = namespaced && home === '' ? undefined : find(ref.kind, namespaced ? home : '', ref.name);
      if (next === undefined) continue;
      const taken: Step = { from: template, ref, before: step };
      const key = keyOf(next);
      if (key === goal) return unwind(taken);
      if (seen.has(key)) continue;
      if (seen.size === MAX_TEMPLATES) {
        skip(`more than ${MAX_TEMPLATES} templates are combined`);
        return [];
      }
      seen.add(key);
      queue.push({ template: next, step: taken });
    }
  }
  return [];
}

function unwind(last: Step): readonly Step[] {
  const way: Step[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) way.push(step);
  return way.reverse();
}
