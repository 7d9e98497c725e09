import { metricsOf, type Metric } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import { isKeptInMetric } from '../../world/metric-fields.ts';
import { CONDITIONS } from '../../world/metrics.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import {
  argumentOf,
  placeholdersIn,
  textsWithPlaceholders,
  withoutPlaceholders,
  type Text,
} from '../../world/placeholders.ts';
import { asString } from '../../world/read.ts';
import type { OfVersions } from '../../world/rollouts-versions.ts';

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

/**
 * Returns the placeholders in the metrics of a template, each tag at its first occurrence in a field that
 * all releases have, if there is one. Also returns the first text
 * of each metric with a placeholder that is not closed. The result is computed once per template object.
 */
export const usesOf = memo(search);

function search(template: KubeObject): Uses {
  const byTag = new Map<string, Use>();
  const unclosed = new Map<Metric, Place>();
  for (const metric of metricsOf(template)) {
    for (const at of textsWithPlaceholders(metric.raw, metric.path)) {
      if (!isKeptInMetric(at.head)) continue;
      const place = { metric, at, versions: versionsWith(at.head) };
      const found = placeholdersIn(at.text);
      if (found.unclosed) keepFirst(unclosed, metric, place);
      for (const tag of found.tags) keepFirst(byTag, tag, { ...place, tag: `{{${tag}}}`, arg: argumentOf(tag) });
    }
  }
  return {
    uses: [...byTag.values()],
    args: new Set([...byTag.values()].map(({ arg }) => arg)),
    unclosed: [...unclosed.values()],
  };
}

// The first one that is true of all releases, else the first.
function keepFirst<K, P extends Place>(places: Map<K, P>, key: K, place: P): void {
  const first = places.get(key);
  if (first === undefined || (first.versions !== undefined && place.versions === undefined)) places.set(key, place);
}

const UNBRACED = /(?<![\w.])args\.([\w-]+)/g;

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
