import type { BundleReport, ReportedFinding } from './model.ts';

/**
 * Returns the report as JSON: `verdict`, `findings`, `skipped`, `errors` where a text could not be read,
 * `more` where not all of them are listed, `gone` where another version of Argo Rollouts has less to find,
 * `untrustedControllers` where a cluster has any, and `fallbackPolicy` where Rollgate has no valid policy.
 */
export function json(report: BundleReport): string {
  const { verdict, findings, skipped, errors, more, gone = [], untrustedControllers = [], fallbackPolicy } = report;
  const value = {
    verdict,
    findings: findings.map(entry),
    skipped,
    ...(errors.length === 0 ? {} : { errors }),
    ...(more === undefined ? {} : { more }),
    ...(gone.length === 0 ? {} : { gone: gone.map(entry) }),
    ...(untrustedControllers.length === 0 ? {} : { untrustedControllers }),
    ...(fallbackPolicy === undefined ? {} : { fallbackPolicy }),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
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
