import type { BundleReport, ReportedFinding } from './model.ts';

/** Returns the report as JSON: `verdict`, `findings`, `skipped`, and `errors` where a text could not be read. */
export function json(report: BundleReport): string {
  const { verdict, findings, skipped, errors } = report;
  return `${JSON.stringify({ verdict, findings: findings.map(entry), skipped, ...(errors.length === 0 ? {} : { errors }) }, undefined, 2)}\n`;
}

function entry({
  rule,
  class: findingClass,
  decision,
  object,
  path,
  message,
  fix,
  file,
  line,
  column,
}: ReportedFinding): object {
  return { rule, class: findingClass, decision, object, path, message, fix, file, line, column };
}
