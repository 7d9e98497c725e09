import { sortSkipped } from '../rules/engine.ts';
import { renderFix, renderMessage, type Finding, type FindingClass, type Skipped } from '../rules/finding.ts';
import type { ManifestError, SourceObject } from '../world/manifests.ts';
import { keyOf, refOf, type KubeObject, type ObjectKey, type ObjectRef } from '../world/object.ts';
import { renderPath } from '../world/path.ts';

/** A finding as it is reported outside of admission: in a terminal, a CI job, or a dry run. */
export interface ReportedFinding {
  readonly rule: string;
  readonly class: FindingClass;
  readonly decision: 'deny' | 'warn';
  readonly object: ObjectRef;
  readonly path: string;
  readonly message: string;
  readonly fix: string;
  /** Its position, for an object that was read from a text: 0-based document, 1-based line and column. */
  readonly file?: string;
  readonly document?: number;
  readonly line?: number;
  readonly column?: number;
}

/** A rule that could not evaluate an object, and why. */
export interface ReportedSkip {
  readonly rule: string;
  readonly object: ObjectRef;
  readonly reason: string;
}

/** What is reported about a bundle of manifests. */
export interface BundleReport {
  readonly verdict: 'allow' | 'deny';
  readonly findings: readonly ReportedFinding[];
  readonly skipped: readonly ReportedSkip[];
  /** Texts that could not be read. They do not change the verdict. */
  readonly errors: readonly ManifestError[];
  /** How many objects were evaluated. */
  readonly objects: number;
  /** How many more findings, skips and errors there are, where they are too many for an answer. */
  readonly more?: number;
  /** The accounts of a cluster that look like those of Argo Rollouts controllers and are not trusted. */
  readonly untrustedControllers?: readonly string[];
  /** What is no longer found with another version of Argo Rollouts. It does not change the verdict. */
  readonly gone?: readonly ReportedFinding[];
  /** Set where Rollgate has no valid policy. The one in its place denies nothing, so the verdict says little. */
  readonly fallbackPolicy?: true;
}

/**
 * Returns a finding as it is reported.
 *
 * @param sources - The objects that were read from texts; empty where none were.
 */
export function reportedFinding(
  finding: Finding,
  decision: ReportedFinding['decision'],
  sources: readonly SourceObject[],
): ReportedFinding {
  const { object } = finding;
  const source = sourceOf(object, sources);
  return {
    rule: finding.rule,
    class: finding.class,
    decision,
    object: refOf(object),
    path: renderPath(finding.path),
    message: renderMessage(finding),
    fix: renderFix(finding),
    ...(source === undefined ? {} : { file: source.file, document: source.document, ...source.position(finding.path) }),
  };
}

/** Returns skips as they are reported, without repetition, in order. */
export function reportedSkips(skipped: readonly Skipped[]): ReportedSkip[] {
  return sortSkipped(skipped).map(({ rule, subject, reason }) => ({ rule, object: refOf(subject), reason }));
}

/** Returns findings in the order of files, lines and columns. Those without a position come last. */
export function inReadingOrder(findings: readonly ReportedFinding[]): ReportedFinding[] {
  const place = (finding: ReportedFinding): readonly [string, number, number] => [
    finding.file ?? '\uffff',
    finding.line ?? 0,
    finding.column ?? 0,
  ];
  return [...findings].sort((a, b) => {
    const [fileA, lineA, columnA] = place(a);
    const [fileB, lineB, columnB] = place(b);
    return (
      (fileA === fileB ? 0 : fileA < fileB ? -1 : 1) ||
      lineA - lineB ||
      columnA - columnB ||
      (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0)
    );
  });
}

interface SourceIndex {
  readonly byObject: ReadonlyMap<KubeObject, SourceObject>;
  readonly byKey: ReadonlyMap<ObjectKey, SourceObject>;
}

const indexes = new WeakMap<readonly SourceObject[], SourceIndex>();

// An object may be in a bundle twice: then the very one that was evaluated is meant.
function sourceOf(object: KubeObject, sources: readonly SourceObject[]): SourceObject | undefined {
  let index = indexes.get(sources);
  if (index === undefined) {
    index = {
      byObject: new Map(sources.map((source) => [source.object, source])),
      byKey: new Map(sources.map((source) => [keyOf(source.object), source])),
    };
    indexes.set(sources, index);
  }
  return index.byObject.get(object) ?? index.byKey.get(keyOf(object));
}
