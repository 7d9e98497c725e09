import type { BundleReport, ReportedFinding } from './model.ts';

// Of one rule about one object, and in all. Fewer than that are read, and a tenant can make tens of thousands.
const MOST_OF_A_RULE = 20;
const MOST = 1_000;
// UTF-16 code units of JSON, since names and paths may be of any length.
const MOST_TEXT = 1024 * 1024;

/** Some of a list, and how many were left out. */
export interface Part<T> {
  readonly listed: readonly T[];
  readonly more: number;
}

/** Returns as many entries from the beginning as an answer over HTTP may have. */
export function firstOf<T>(entries: readonly T[]): Part<T> {
  const listed: T[] = [];
  let text = 0;
  for (const entry of entries.slice(0, MOST)) {
    text += JSON.stringify(entry).length;
    if (text > MOST_TEXT) break;
    listed.push(entry);
  }
  return { listed, more: entries.length - listed.length };
}

/**
 * Returns the findings that an answer over HTTP has, in the order given: at most 20 of one rule about one object, and
 * 1,000 in all, denials before warnings.
 */
export function firstFindings(findings: readonly ReportedFinding[]): Part<ReportedFinding> {
  const counts = new Map<string, number>();
  const denialsFirst = [
    ...findings.filter(({ decision }) => decision === 'deny'),
    ...findings.filter(({ decision }) => decision === 'warn'),
  ];
  const few = denialsFirst.filter(({ rule, object: { kind, namespace, name } }) => {
    const id = `${rule} ${kind} ${namespace} ${name}`;
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count <= MOST_OF_A_RULE;
  });
  const listed = new Set(firstOf(few).listed);
  return { listed: findings.filter((finding) => listed.has(finding)), more: findings.length - listed.size };
}

/** Returns a report that is small enough for an answer over HTTP. Its verdict is that of the whole. */
export function bounded(report: BundleReport): BundleReport {
  const findings = firstFindings(report.findings);
  const skipped = firstOf(report.skipped);
  const errors = firstOf(report.errors);
  const more = findings.more + skipped.more + errors.more;
  return {
    ...report,
    findings: findings.listed,
    skipped: skipped.listed,
    errors: errors.listed,
    ...(more === 0 ? {} : { more }),
  };
}
