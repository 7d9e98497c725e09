import { VERSION } from '../version.ts';
import { count, describeRule, FALLBACK_POLICY, skipGroups } from './format.ts';
import type { BundleReport, ReportedFinding } from './model.ts';

/**
 * Returns the report as SARIF 2.1.0 (OASIS), for code scanners and editors: the rules that found something, a result
 * for each finding, and notifications for what could not be read or evaluated. File names are relative to the working
 * directory.
 */
export function sarif(report: BundleReport): string {
  const ids = [...new Set(report.findings.map(({ rule }) => rule))].sort();
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'rollgate', semanticVersion: VERSION, rules: ids.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          { executionSuccessful: report.errors.length === 0, toolExecutionNotifications: notifications(report) },
        ],
        results: report.findings.map((finding) => resultOf(finding, ids)),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function ruleOf(id: string): object {
  const described = describeRule(id);
  if (described === undefined) return { id };
  return {
    id,
    shortDescription: { text: described.summary },
    fullDescription: { text: described.explanation },
    help: { text: described.explanation },
  };
}

function resultOf(finding: ReportedFinding, ids: readonly string[]): object {
  const { rule, class: findingClass, decision, object, path, message, fix } = finding;
  const name = [object.kind, object.namespace, object.name].filter((part) => part !== '').join('/');
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: decision === 'deny' ? 'error' : 'warning',
    message: { text: `${message}: ${fix}` },
    locations: [
      { ...placeOf(finding), logicalLocations: [{ fullyQualifiedName: path === '' ? name : `${name}: ${path}` }] },
    ],
    properties: { class: findingClass },
  };
}

function placeOf({
  file,
  line,
  column,
}: {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}): object {
  if (file === undefined) return {};
  const region =
    line === undefined ? {} : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } };
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } };
}

function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

function notifications(report: BundleReport): object[] {
  return [
    ...report.errors.map((error) => ({
      level: 'error',
      message: { text: error.message },
      locations: [placeOf(error)],
    })),
    ...skipGroups(report).map(({ reason, rules, objects }) => ({
      level: 'note',
      message: { text: `could not be evaluated: ${reason} (${rules.join(', ')}; ${count(objects, 'object')})` },
    })),
    ...(report.fallbackPolicy === true ? [{ level: 'warning', message: { text: FALLBACK_POLICY } }] : []),
    ...(report.more === undefined ? [] : [{ level: 'note', message: { text: `and ${report.more} more` } }]),
  ];
}
