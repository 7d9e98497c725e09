import { RULES } from '../../../src/rules/index.ts';
import { cell } from '../../../scripts/markdown.ts';
import { agreementOf, type Agreement, type Row } from './verdicts.ts';

const RELATIONS: Readonly<Record<Agreement, string>> = {
  same: 'the same',
  missing: 'warned about: it may still come',
  foreign: 'warned about: another namespace may not be blocked',
  advised: 'warned about: the first pods start',
  unknown: 'cannot be known: no such kind in this cluster',
  stricter: 'stricter',
  refused: 'never gets that far',
  wrong: '**admitted wrongly**',
};

const SAYS = {
  denies: 'denies',
  warns: 'warns, across namespaces',
  misses: 'warns, missing',
  admits: 'admits',
} as const;
const BECOMES = { InvalidSpec: 'InvalidSpec', fails: 'fails at it', runs: 'runs', refused: '-' } as const;

/** Returns Markdown: the number of rows of each kind, the reasons why Rollgate is stricter, and all rows. */
export function tableOf(rows: readonly Row[]): string {
  return [counts(rows), stricter(rows), everything(rows)].join('\n\n');
}

function counts(rows: readonly Row[]): string {
  const outcomes = ['InvalidSpec', 'fails', 'runs', 'refused'] as const;
  const count = (verdict: Row['verdict'], outcome: string): number =>
    rows.filter((row) => row.verdict === verdict && row.outcome.kind === outcome).length;
  const lines = (['denies', 'warns', 'misses', 'admits'] as const).map(
    (verdict) =>
      `| ${SAYS[verdict]} | ${outcomes
        .slice(0, 3)
        .map((outcome) => count(verdict, outcome))
        .join(' | ')} |`,
  );
  const fixtures = new Set(rows.map(({ rule, file }) => `${rule}/${file}`)).size;
  return [
    `${rows.length} Rollouts of ${fixtures} fixtures, ${rows.filter(({ outcome }) => outcome.kind === 'refused').length} of which the API server refuses by the CRD's schema. Of the others:`,
    '',
    '| Rollgate | InvalidSpec | the controller fails at it | the controller runs it |',
    '| --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function stricter(rows: readonly Row[]): string {
  const denied = rows.filter((row) => agreementOf(row) === 'stricter');
  const lines = RULES.filter(({ id }) => denied.some(({ rules }) => rules.includes(id))).map(({ id, explanation }) => {
    const files = [
      ...new Set(
        denied
          .filter(({ rules }) => rules.includes(id))
          .map(({ rule, file }) => (rule === id ? file : `${rule}/${file}`)),
      ),
    ];
    return `| [${id}](rules/${id}.md) | ${files.map((file) => file.replace('.yaml', '')).join(', ')} | ${cell(explanation.replace(/ Source: .*$/, ''))} |`;
  });
  return [
    'Where Rollgate denies what the controller runs, the rule says why:',
    '',
    '| rule | fixtures | why |',
    '| --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function everything(rows: readonly Row[]): string {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = [row.rule, row.file, row.verdict, row.outcome.kind, row.rules.join()].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups.values()].map((same) => {
    const row = same[0] as Row;
    const api = row.outcome.kind === 'refused' ? 'refuses' : 'stores';
    const verdict = row.outcome.kind === 'refused' ? '-' : [SAYS[row.verdict], ...row.rules].join(' ');
    const note = row.outcome.kind === 'runs' && row.outcome.message !== '' ? ` (${row.outcome.message})` : '';
    return `| ${row.rule} | ${row.file.replace('.yaml', '')} | ${same.map(({ rollout }) => rollout).join(', ')} | ${api} | ${verdict} | ${BECOMES[row.outcome.kind]}${note} | ${RELATIONS[agreementOf(row)]} |`;
  });
  return [
    '| rule | fixture | Rollout | API server | Rollgate | controller | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
