import { named, NESTED_TEMPLATE_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import type { TemplateRef } from '../../world/collect-analyses.ts';
import { keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { defineRule } from '../define.ts';
import { TemplateComponents, type Included } from './components.ts';

const COMPONENTS = Symbol('template components');

// Bounds the cost: otherwise each template of a large circle would look at all others.
const MAX_SEEN = 25;

export const analysisTemplateCycle = defineRule({
  id: 'analysis-template-cycle',
  summary: 'Analysis templates do not include each other in a cycle.',
  explanation:
    'A template can include other templates in its own spec.templates list. The controller follows these references ' +
    'without a check for cycles. As soon as a Rollout uses a template in a cycle, the controller recurses until its ' +
    'stack overflows and the process ends. This stops every update in the cluster, and it happens again after each ' +
    'restart. Source: Argo Rollouts v1.9.1, rollout/controller.go (getReferencedAnalysisTemplatesFromRef), ' +
    'experiments (getAnalysisTemplatesFromRefs).',
  subject: inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES),
  reads: inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES),
  example: { fixture: 'bad-circle.yaml', referenced: 'AnalysisTemplate latency' },
  messages: {
    circle: {
      class: 'invalid',
      text: '{template} includes itself ({circle}), which crashes the controller when a Rollout uses it',
      fix: 'remove "{next}" from spec.templates of {template}{other}',
    },
  },
  check(context, template) {
    const home = namespaceOf(template);
    const components = context.perWorld(COMPONENTS, home, () => new TemplateComponents(home));
    const lookUp = context.lookup.bind(context);
    const component = components.of(template, lookUp);
    const inside = (from: KubeObject): readonly Included[] =>
      components.included(from, lookUp).known.filter((each) => components.of(each.template, lookUp) === component);
    const way = wayBack(template, inside);
    const [first] = way;
    if (first === undefined) {
      if (component.whyUnknown !== undefined) context.skip(component.whyUnknown);
      return;
    }
    const names = way.map(({ ref }) => `"${ref.name}"`);
    const isClosed = way.at(-1)?.closes === true;
    context.report('circle', {
      path: first.ref.path,
      anchor: `${first.ref.kind} ${first.ref.name}`,
      data: {
        template: named(template),
        circle: [
          `"${template.metadata.name}"`,
          ...names,
          ...(isClosed ? [] : ['...', `"${template.metadata.name}"`]),
        ].join(' -> '),
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
  readonly closes: boolean;
}

// Returns the shortest path from a template back to itself (breadth-first), or an empty list. Of a longer circle it is
// only the beginning: each of its templates is reported, and nobody reads more names.
function wayBack(start: KubeObject, inside: (from: KubeObject) => readonly Included[]): readonly Step[] {
  const goal = keyOf(start);
  const seen = new Set<ObjectKey>();
  const queue: { template: KubeObject; step: Step | undefined }[] = [{ template: start, step: undefined }];
  let last: Step | undefined;
  for (const { template, step } of queue) {
    for (const { ref, template: next } of inside(template)) {
      const key = keyOf(next);
      last = { from: template, ref, before: step, closes: key === goal };
      if (last.closes || seen.size === MAX_SEEN) return unwind(last);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ template: next, step: last });
    }
  }
  return [];
}

function unwind(last: Step): readonly Step[] {
  const way: Step[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) way.push(step);
  return way.reverse();
}
