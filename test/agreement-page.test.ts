import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES } from '../src/rules/index.ts';
import { EXPLAINED, explainedIds } from './agreement/explained.ts';
import { EXPLAINED_MANIFESTS } from './agreement/manifests.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'agreement.md'), 'utf8');

function rows(marker: string): string[] {
  const section = page.slice(page.indexOf(`<!-- ${marker} -->`), page.indexOf(`<!-- /${marker} -->`));
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);
}

describe('docs/agreement.md', () => {
  it('explains every exception of the comparison, each rule once, in at most ten lines', () => {
    const rules = EXPLAINED.map(({ messages }) => Object.keys(messages));
    expect(rows('explained').map((line) => [...line.matchAll(/\[([a-z-]+)\]/g)].map(([, rule]) => rule))).toEqual(
      rules,
    );
    expect(new Set(rules.flat()).size).toBe(rules.flat().length);
    expect(EXPLAINED.length).toBeLessThanOrEqual(10);
  });

  it.each(explainedIds())('explains %s, which is a message that denies', (id) => {
    const [rule, message = ''] = id.split('/');
    expect(RULES.find((candidate) => candidate.id === rule)?.messages[message]?.class).toBe('invalid');
  });

  it('explains every upstream manifest that is denied', () => {
    expect(rows('manifests').map((line) => /^\| `([^`]+)`/.exec(line)?.[1])).toEqual(
      EXPLAINED_MANIFESTS.map(({ file }) => file),
    );
    const ids = new Set(RULES.map(({ id }) => id));
    expect(
      EXPLAINED_MANIFESTS.flatMap(({ rules }) => rules).filter((rule) => !ids.has(rule) && rule !== 'schema'),
    ).toEqual([]);
  });
});
