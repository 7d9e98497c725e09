import type { Path } from '../world/path.ts';
import { keyOf } from '../world/object.ts';
import { references } from '../world/references.ts';
import { addTarget, type GraphInput } from './graph-input.ts';
import { placeOf } from './graph-builder.ts';

/** Adds the templates of the analyses of a Rollout. */
export function addAnalyses(input: GraphInput): void {
  const { rollout, builder } = input;
  for (const reference of references(rollout)) {
    if (reference.role !== 'template') continue;
    const title = reference.kind?.split('.')[0] ?? 'AnalysisTemplate';
    const place = placeOf(rollout, analysisPath(reference.path));
    addTarget(input, reference, { kind: 'analysis', title }, []);
    builder.edge({ from: keyOf(rollout), to: reference.key, kind: 'relation', label: whenOf(reference.path) }, [place]);
  }
}

// The analysis with its arguments, and not only the name of the template.
function analysisPath(path: Path): Path {
  const end = path.findIndex((part) => part === 'templates' || part === 'templateName');
  return end < 0 ? path : path.slice(0, end);
}

function whenOf(path: Path): string {
  const step = path[path.indexOf('steps') + 1];
  if (path.includes('steps') && typeof step === 'number') return `step ${step + 1}`;
  if (path.includes('prePromotionAnalysis')) return 'before promotion';
  if (path.includes('postPromotionAnalysis')) return 'after promotion';
  return 'in the background';
}
