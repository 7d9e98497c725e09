import { join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILE = join(ROOT, 'src/world/probe.ts');
// Rules for docstrings need no types, and reading the types of all files takes seconds.
const eslint = new ESLint({ cwd: ROOT, overrideConfig: tseslint.configs.disableTypeChecked });

async function rulesBroken(probe: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(`${probe}\n`, { filePath: FILE });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
}

const F = 'export function probe(a: string): string {\n  return a;\n}';

describe('a docstring', () => {
  it.each([
    ['that is missing', F, 'jsdoc/require-jsdoc'],
    ['that is missing on a type', 'export interface Probe {\n  readonly a: string;\n}', 'jsdoc/require-jsdoc'],
    ['of the old form', `/** In: a text. Out: it. */\n${F}`, 'jsdoc/match-description'],
    ['of a result in the old form', `/** Out: it. */\n${F}`, 'jsdoc/match-description'],
    ['without a description', `/**\n * @param a - A text.\n */\n${F}`, 'jsdoc/require-description'],
    [
      'with an unknown parameter',
      `/**\n * Returns it.\n *\n * @param b - A text.\n */\n${F}`,
      'jsdoc/check-param-names',
    ],
    ['with a type', `/**\n * Returns it.\n *\n * @param {string} a - A text.\n */\n${F}`, 'jsdoc/no-types'],
    ['with a misspelt tag', `/**\n * Returns it.\n *\n * @params a - A text.\n */\n${F}`, 'jsdoc/check-tag-names'],
  ])('%s fails', async (_, probe, rule) => {
    expect(await rulesBroken(probe)).toContain(rule);
  });

  it.each([
    ['with a sentence', `/** Returns it. */\n${F}`],
    ['with tags', `/**\n * Returns it.\n *\n * @param a - A text.\n * @throws Error when it is empty.\n */\n${F}`],
  ])('%s passes', async (_, probe) => {
    expect(await rulesBroken(probe)).toEqual([]);
  });
});
