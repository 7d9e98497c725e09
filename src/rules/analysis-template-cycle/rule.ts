import { named, nestedTemplates, TEMPLATE_KINDS, type Lookups, type TemplateRef } from '../../world/analysis.ts';
import { keyOf, KINDS, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { defineRule } from '../define.ts';

// Nobody combines as many; without a bound a chain of templates would cost the square of its length.
const MAX_TEMPLATES = 1_000;

export const analysisTemplateCycle = defineRule({
  id: 'analysis-template-cycle',
  summary: 'Templates do not combine each other in a circle.',
  explanation:
    'A template can combine others by its own list of templates. The controller follows these without a guard: as soon as a Rollout uses a template of a circle it recurses until its stack is used up, which ends the process and with it ' +
    'every update in the cluster, again after each restart. Source: Argo Rollouts v1.9.1, rollout/controller.go (getReferencedAnalysisTemplatesFromRef), experiments (getAnalysisTemplatesFromRefs).',
  subject: [...TEMPLATE_KINDS],
  reads: [...TEMPLATE_KINDS],
  example: { fixture: 'bad-circle.yaml', referenced: 'AnalysisTemplate latency' },
  messages: {
    circle: {
      class: 'invalid',
      text: '{template} combines itself, by way of its templates ({circle}), and the controller would follow them until it crashes',
      fix: 'remove "{next}" from its templates{other}',
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
        other: way.length > 1 ? ', or break the circle elsewhere' : '',
      },
      related: way.slice(1).map(({ from, ref }) => ({ object: from, path: ref.path })),
    });
  },
});

// One reference on the way, and the template it stands in.
interface Step {
  readonly from: KubeObject;
  readonly ref: TemplateRef;
  readonly before: Step | undefined;
}

// The shortest way from a template back to itself, searched breadth first; none if there is none. A cluster-scoped
// template has no namespace, and the namespaced ones that it names cannot be told by it alone: a circle through them is
// found from their side.
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
