import { metricsOf, type Metric } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import { isKeptInMetric } from '../../world/metric-fields.ts';
import { CONDITIONS } from '../../world/metrics.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import {
  argumentOf,
  textsWithPlaceholders,
  visitPlaceholders,
  withoutPlaceholders,
  type Text,
} from '../../world/placeholders.ts';
import { asString } from '../../world/read.ts';
import type { OfVersions } from '../../world/rollouts-versions.ts';
import type { Context } from './messages.ts';

/** A placeholder in a metric. */
export interface Use {
  readonly metric: Metric;
  readonly at: Text;
  /** The placeholder with its braces, without spaces around the name. */
  readonly tag: string;
  /** The argument that it names, or undefined. */
  readonly arg: string | undefined;
  /** The releases that have the field; undefined if all have it. */
  readonly versions: OfVersions | undefined;
}

/** A text with a placeholder that is not closed. */
interface Place {
  readonly metric: Metric;
  readonly at: Text;
  readonly versions: OfVersions | undefined;
}

/** The placeholders of metrics, each tag once, and the texts with a placeholder that is not closed. */
export interface Uses {
  readonly uses: readonly Use[];
  /** The arguments that the placeholders name. */
  readonly args: ReadonlySet<string | undefined>;
  readonly unclosed: readonly Place[];
}

function versionsWith([, provider, inner]: Path): OfVersions | undefined {
  return provider === 'datadog' && inner === 'requestTimeout' ? { since: 'datadogRequestTimeout' } : undefined;
}

// What is made of a placeholder in a microsecond.
const TAGS_OF_OPERATION = 5;

const known = memo((_template: KubeObject): { uses?: Uses } => ({}));

/**
 * Returns the placeholders in the metrics of a template, each tag at its first occurrence in a field that
 * all releases have, if there is one. Also returns the first text
 * of each metric with a placeholder that is not closed. The result is computed once per template object.
 */
export function usesOf(template: KubeObject, { spend }: Pick<Context, 'spend'>): Uses {
  const cached = known(template);
  cached.uses ??= search(template, spend);
  return cached.uses;
}

function search(template: KubeObject, spend: Context['spend']): Uses {
  const byTag = new Map<string, Use>();
  const unclosed = new Map<Metric, Place>();
  let visited = 0;
  for (const metric of metricsOf(template)) {
    for (const at of textsWithPlaceholders(metric.raw, metric.path, spend)) {
      if (!isKeptInMetric(at.head)) continue;
      const versions = versionsWith(at.head);
      const isUnclosed = visitPlaceholders(at.text, (tag) => {
        if (visited++ % TAGS_OF_OPERATION === 0) spend(1);
        if (!isFirst(byTag.get(tag), versions)) return;
        byTag.set(tag, { metric, at, versions, tag: `{{${tag}}}`, arg: argumentOf(tag) });
      });
      if (isUnclosed && isFirst(unclosed.get(metric), versions)) unclosed.set(metric, { metric, at, versions });
    }
  }
  const uses = [...byTag.values()];
  return { uses, args: new Set(uses.map(({ arg }) => arg)), unclosed: [...unclosed.values()] };
}

// The first one that is true of all releases counts, else the first.
function isFirst(before: Place | undefined, versions: OfVersions | undefined): boolean {
  return before === undefined || (before.versions !== undefined && versions === undefined);
}

const UNBRACED = /(?<![\w.])args(?:\.|\s*\[\s*["'])([\w-]+)/g;

/** A condition that names an argument without braces. */
interface Unbraced {
  readonly metric: Metric;
  readonly field: (typeof CONDITIONS)[number];
}

/** Returns the arguments that conditions of a template name without braces, each where it comes first. */
export const unbracedIn = memo((template: KubeObject): ReadonlyMap<string, Unbraced> => {
  const found = new Map<string, Unbraced>();
  for (const metric of metricsOf(template)) {
    for (const field of CONDITIONS) {
      const outside = withoutPlaceholders(asString(metric.raw[field]), ' ');
      for (const [, name = ''] of outside.matchAll(UNBRACED)) {
        if (!found.has(name)) found.set(name, { metric, field });
      }
    }
  }
  return found;
});
