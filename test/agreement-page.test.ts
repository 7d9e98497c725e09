import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES } from '../src/rules/index.ts';
import { EXPLAINED_MANIFESTS } from './agreement/manifests.ts';
import { stricterMessages } from './agreement/stricter.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'agreement.md'), 'utf8');

function rows(marker: string): string[] {
  const section = page.slice(page.indexOf(`<!-- ${marker} -->`), page.indexOf(`<!-- /${marker} -->`));
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);
}

describe('docs/agreement.md', () => {
  it.each([
    ['explained', true],
    ['not generated', false],
  ] as const)('explains in "%s" every message that denies what upstream accepts, and no other', (marker, generated) => {
    const told = rows(marker).flatMap((line) => {
      const [, rule, messages = ''] = /^\| \[([a-z-]+)\][^|]*\| ([^|]+) \|/.exec(line) ?? [];
      return messages.split(', ').map((message) => `${rule ?? ''}/${message}`);
    });
    expect(told.sort()).toEqual(
      stricterMessages()
        .filter((each) => each.generated === generated)
        .map(({ rule, message }) => `${rule}/${message}`)
        .sort(),
    );
  });

  it.each(stricterMessages().map((each) => [`${each.rule}/${each.message}`, each] as const))(
    'explains %s, which is a message that denies',
    (_, { rule, message, why }) => {
      expect(RULES.find(({ id }) => id === rule)?.messages[message]?.class).toBe('invalid');
      expect(why).toMatch(/^[A-Z].{40,}\.$/);
    },
  );

  it('leaves most of the messages that deny to the verdict upstream', () => {
    const denying = RULES.flatMap(({ messages }) => Object.values(messages)).filter(
      ({ class: severity }) => severity === 'invalid',
    );
    // What providers refuse is upstream's verdict too, but its validation does not ask them.
    const others = stricterMessages().filter(({ rule }) => rule !== 'analysis-provider');
    expect(others.length / denying.length).toBeLessThan(0.2);
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
