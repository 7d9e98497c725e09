import { styleText } from 'node:util';
import { count, FALLBACK_POLICY, plain, skipGroups, type FormatOptions } from './format.ts';
import type { BundleReport, ReportedFinding } from './model.ts';

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

interface Line {
  readonly place: string;
  readonly severity: 'error' | 'warning';
  readonly text: string;
  readonly rule: string;
}

/**
 * Returns the report for a terminal, in the style of ESLint: what is wrong in each file, what could not be evaluated,
 * and a summary.
 */
export function text(report: BundleReport, { color }: FormatOptions): string {
  const paint: Paint = (style, content) => (color ? styleText(style, content, { validateStream: false }) : content);
  const sections = [
    ...blocks(report).map(([heading, lines]) => block(heading, lines, paint)),
    skipped(report, paint),
    gone(report, paint),
    untrusted(report, paint),
    report.fallbackPolicy === true ? paint('yellow', FALLBACK_POLICY) : '',
    summary(report, paint),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function blocks(report: BundleReport): [heading: string, lines: Line[]][] {
  const entries = [
    ...report.errors.map((error) => ({
      heading: plain(error.file),
      line: {
        place: `${error.line}:${error.column}`,
        severity: 'error' as const,
        text: plain(error.message),
        rule: '',
      },
    })),
    ...report.findings.map((finding) => ({ heading: headingOf(finding), line: lineOf(finding) })),
  ];
  return [...Map.groupBy(entries, ({ heading }) => heading)].map(([heading, found]) => [
    heading,
    found.map(({ line }) => line),
  ]);
}

// What is in no file is in the cluster underneath: it is named instead.
function headingOf({ file, object: { kind, namespace, name } }: ReportedFinding): string {
  return file === undefined
    ? plain(`${kind} ${namespace === '' ? '' : `${namespace}/`}${name}, in the cluster`)
    : plain(file);
}

function lineOf(finding: ReportedFinding): Line {
  const { line, column, path, decision, message, fix, rule } = finding;
  const place = line === undefined || column === undefined ? path : `${line}:${column}`;
  return {
    place: plain(place),
    severity: decision === 'deny' ? 'error' : 'warning',
    text: plain(`${message}: ${fix}`),
    rule,
  };
}

function block(heading: string, lines: readonly Line[], paint: Paint): string {
  const width = (field: 'place' | 'severity'): number =>
    lines.reduce((widest, line) => Math.max(widest, line[field].length), 0);
  const [place, severity] = [width('place'), width('severity')];
  return [
    paint('underline', heading),
    ...lines.map((line) => {
      const colored = paint(line.severity === 'error' ? 'red' : 'yellow', line.severity.padEnd(severity));
      return `  ${paint('dim', line.place.padEnd(place))}  ${colored}  ${line.text}${line.rule === '' ? '' : `  ${paint('dim', line.rule)}`}`;
    }),
  ].join('\n');
}

const SHOWN_REASONS = 8;

function skipped(report: BundleReport, paint: Paint): string {
  const groups = skipGroups(report);
  if (groups.length === 0) return '';
  const shown = groups
    .slice(0, SHOWN_REASONS)
    .map(
      ({ reason, rules, objects }) =>
        `  ${plain(reason)} ${paint('dim', `(${rules.join(', ')}; ${count(objects, 'object')})`)}`,
    );
  const left = groups.length - shown.length;
  return [
    paint('bold', 'Could not be evaluated:'),
    ...shown,
    ...(left > 0 ? [`  and ${count(left, 'more reason')}; -o json lists them`] : []),
  ].join('\n');
}

function gone({ gone: findings = [] }: BundleReport, paint: Paint): string {
  if (findings.length === 0) return '';
  return [
    paint('bold', 'No longer a problem with that version:'),
    ...findings.map(({ object: { kind, namespace, name }, message, rule }) => {
      const place = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
      return `  ${plain(`${place}: ${message}`)}  ${paint('dim', rule)}`;
    }),
  ].join('\n');
}

function untrusted({ untrustedControllers = [] }: BundleReport, paint: Paint): string {
  if (untrustedControllers.length === 0) return '';
  return [
    paint('bold', 'Look like Argo Rollouts controllers, but the policy does not trust them (controllers.namespaces):'),
    ...untrustedControllers.map((account) => `  ${plain(account)}`),
  ].join('\n');
}

function summary(report: BundleReport, paint: Paint): string {
  const errors = report.errors.length + report.findings.filter(({ decision }) => decision === 'deny').length;
  const warnings = report.findings.length - (errors - report.errors.length);
  if (errors + warnings === 0) return paint('green', `✔ ${count(report.objects, 'object')}, no problems`);
  return paint(
    ['bold', errors > 0 ? 'red' : 'yellow'],
    `✖ ${count(errors + warnings, 'problem')} (${count(errors, 'error')}, ${count(warnings, 'warning')})${report.more === undefined ? '' : `, and ${report.more} more`}`,
  );
}
