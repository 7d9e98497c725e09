import { metricsOf, type Metric } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { argumentOf, placeholdersIn, textsWithPlaceholders } from '../../world/placeholders.ts';

/** A placeholder in a metric. */
export interface Use {
  readonly metric: Metric;
  readonly path: Path;
  /** As it is written, without spaces around the tag. */
  readonly tag: string;
  /** The argument that it names; undefined where it names none. */
  readonly arg: string | undefined;
}

/** The placeholders of metrics, each tag once, and the texts in which one is never closed. */
export interface Uses {
  readonly uses: readonly Use[];
  /** The arguments that they name. */
  readonly args: ReadonlySet<string | undefined>;
  readonly unclosed: readonly { readonly metric: Metric; readonly path: Path }[];
}

/** In: a template. Out: the placeholders in its metrics, each tag where it first occurs, and the first text of each metric in which one is never closed. Costs once a template. */
export const usesOf = memo(search);

function search(template: KubeObject): Uses {
  const byTag = new Map<string, Use>();
  const unclosed = new Map<Metric, Path>();
  for (const metric of metricsOf(template)) {
    for (const { text, path } of textsWithPlaceholders(metric.raw, metric.path)) {
      const found = placeholdersIn(text);
      if (found.unclosed && !unclosed.has(metric)) unclosed.set(metric, path);
      for (const tag of found.tags) {
        if (!byTag.has(tag)) byTag.set(tag, { metric, path, tag: `{{${tag}}}`, arg: argumentOf(tag) });
      }
    }
  }
  return { uses: [...byTag.values()], args: new Set([...byTag.values()].map(({ arg }) => arg)), unclosed: [...unclosed].map(([metric, path]) => ({ metric, path })) };
}
