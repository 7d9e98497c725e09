import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { cell } from '../../scripts/markdown.ts';
import type { Compatibility } from '../../scripts/record-compatibility.ts';
import { UPSTREAM_CHANGES, versionsTitle, type OfVersions } from '../../src/world/rollouts-versions.ts';

const COMPATIBILITY = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'compatibility.json'), 'utf8'),
) as readonly Compatibility[];
const FOLDER = join(import.meta.dirname, '..', 'e2e', 'facts');

/** One claim about the controller, and its outcome in the tests. */
export interface Fact {
  readonly claim: string;
  readonly outcome: string;
  readonly title: string;
  readonly file: string;
  /** The versions of Argo Rollouts that it is true of in words, or those that it has run with. */
  readonly versions: string;
}

/**
 * Returns the facts in the tests of test/e2e/facts, sorted by file and line.
 *
 * @throws Error - If a call of `fact` has arguments that cannot be read from the source.
 */
export function facts(): Fact[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .flatMap((file) => {
      const source = ts.createSourceFile(file, readFileSync(join(FOLDER, file), 'utf8'), ts.ScriptTarget.Latest, true);
      const found: Fact[] = [];
      const visit = (node: ts.Node): void => {
        if (ts.isCallExpression(node) && node.expression.getText() === 'fact') found.push(factOf(node, file));
        ts.forEachChild(node, visit);
      };
      visit(source);
      return found;
    });
}

function factOf({ arguments: [claim, outcome, title, , versions] }: ts.CallExpression, file: string): Fact {
  if (claim === undefined || outcome === undefined || title === undefined)
    throw new Error(`${file}: a fact needs a claim, an outcome and a title`);
  return {
    claim: textOf(claim),
    outcome: textOf(outcome),
    title: textOf(title),
    file,
    versions: versionsOf(versions) ?? ranWith(file),
  };
}

// A fact without versions is asserted with each that it runs with: the gate's, and those of recorded runs.
function ranWith(file: string): string {
  const recorded = COMPATIBILITY.filter(
    ({ component, suite }) => component === 'Argo Rollouts' && suite.endsWith(`/${file}`),
  );
  return ['1.9.1', ...recorded.map(({ version }) => version)].join(', ');
}

function versionsOf(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  const [, side, change] = /^\{ (before|since): '(\w+)' \}$/.exec(node.getText()) ?? [];
  if (side === undefined || change === undefined || !Object.hasOwn(UPSTREAM_CHANGES, change))
    throw new Error(`the versions of a fact are written out, with a change of UPSTREAM_CHANGES: ${node.getText()}`);
  return versionsTitle({ [side]: change } as OfVersions).replace('Argo Rollouts ', '');
}

// In a title that is built for several cases, each expression stands for the value that differs.
function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node))
    throw new Error(`a fact's claim, outcome and title are written out: ${node.getText()}`);
  return (
    node.head.text + node.templateSpans.map((span) => `‹${span.expression.getText()}›${span.literal.text}`).join('')
  );
}

/** Returns the table of docs/upstream-facts.md. */
export function factsTable(): string {
  const rows = facts().map(
    ({ claim, outcome, title, file, versions }) =>
      `| ${claim} | ${outcome} | ${cell(title)} | ${versions} | [${file.replace('.test.ts', '')}](../test/e2e/facts/${file}) |`,
  );
  return [
    '| claim | outcome | what the controller does | Argo Rollouts | shown by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
