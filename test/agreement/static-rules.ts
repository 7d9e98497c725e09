import { RULES } from '../../src/rules/index.ts';

// The rules that look at other objects too and whose verdict is upstream's; the others between objects are ours alone.
const BESIDES: ReadonlySet<string> = new Set([
  'ambassador-mapping',
  'analysis-args',
  'analysis-metrics',
  'analysis-placeholders',
  'analysis-template-cycle',
  'analysis-terminates',
  'appmesh-routes',
  'ingress-backend',
  'service-selector',
  'workload-selector',
]);

// About the annotations that an ALB reads, which upstream does not look at.
const OURS_ALONE: ReadonlySet<string> = new Set(['ingress-backend/notByAnnotation']);

/**
 * `rule/message` of every contradiction that the static rules can find: those that look at one object only, and those
 * whose verdict is upstream's.
 */
export const STATIC_MESSAGES: readonly string[] = RULES.filter(({ id, reads }) => reads.length === 0 || BESIDES.has(id))
  .flatMap(({ id, messages }) =>
    Object.entries(messages).flatMap(([message, { class: severity }]) =>
      severity === 'invalid' ? [`${id}/${message}`] : [],
    ),
  )
  .filter((message) => !OURS_ALONE.has(message));
