import { count, FALLBACK_POLICY, skipGroups } from './format.ts';
import type { BundleReport, ReportedFinding } from './model.ts';

/** Returns the report as workflow commands of GitHub Actions, which shows them at the lines of a pull request. */
export function github(report: BundleReport): string {
  const lines = [
    ...(report.fallbackPolicy === true ? [command('warning', { title: 'no valid policy' }, FALLBACK_POLICY)] : []),
    ...report.errors.map(({ file, line, column, message }) =>
      command('error', { file, line, col: column, title: 'cannot be read' }, message),
    ),
    ...report.findings.map(findingLine),
    ...skipGroups(report).map(({ reason, rules, objects }) =>
      command(
        'notice',
        { title: 'could not be evaluated' },
        `${reason} (${rules.join(', ')}; ${count(objects, 'object')})`,
      ),
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function findingLine({
  decision,
  file,
  line,
  column,
  rule,
  object: { kind, namespace, name },
  message,
  fix,
}: ReportedFinding): string {
  const about = file === undefined ? `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}: ` : '';
  return command(
    decision === 'deny' ? 'error' : 'warning',
    { file, line, col: column, title: rule },
    `${about}${message}: ${fix}`,
  );
}

function command(
  name: string,
  properties: Readonly<Record<string, string | number | undefined>>,
  message: string,
): string {
  const given = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`],
  );
  return `::${name} ${given.join(',')}::${escapeMessage(message)}`;
}

// As the runner decodes them (actions/toolkit, packages/core): `%` first.
function escapeMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
