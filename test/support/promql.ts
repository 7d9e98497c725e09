/** A use of a metric in an expression, with the labels that the expression needs of it. */
export interface MetricUse {
  readonly metric: string;
  readonly labels: readonly string[];
}

const KEYWORDS = new Set([
  ...['and', 'or', 'unless', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool', 'by', 'without'],
  ...['inf', 'nan'],
]);
const STRING = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const RANGE = /\[[^\]]*\]/g;
const SELECTOR = /(?<![\w:.$])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()(?:\s*\{([^}]*)\})?/g;

/** Returns the metrics that an expression of PromQL reads. A label of a grouping counts for each of them. */
export function metricsIn(expression: string): MetricUse[] {
  const plain = expression.replaceAll(STRING, '""').replaceAll(RANGE, '');
  const grouped = [...plain.matchAll(GROUPING)].flatMap(([, labels = '']) => namesIn(labels));
  return [...plain.replaceAll(GROUPING, '').matchAll(SELECTOR)]
    .filter(([, metric = '']) => !KEYWORDS.has(metric.toLowerCase()))
    .map(([, metric = '', matchers = '']) => ({ metric, labels: [...new Set([...namesIn(matchers), ...grouped])] }));
}

function namesIn(list: string): string[] {
  return [...list.matchAll(/[a-zA-Z_]\w*/g)].map(([name]) => name);
}
