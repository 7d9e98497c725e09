import { RULES } from '../../../src/rules/index.ts';
import type { Printed } from '../harness/kubectl.ts';

/** What was printed at one door. */
export interface Shown {
  /** As the heading says it. */
  readonly when: string;
  readonly command: string;
  readonly printed: Printed;
}

/** In: what was printed, by rule. Out: the part of docs/messages.md that shows it. */
export function messagesPage(shown: ReadonlyMap<string, readonly Shown[]>): string {
  return RULES.filter(({ id }) => shown.has(id))
    .map(({ id, summary, example }) => {
      const from = example === undefined ? '' : ` Shown: \`${example.fixture.replace('.yaml', '')}\`.`;
      return [`## ${id}`, '', `${summary} [More about it](rules/${id}.md).${from}`, '', ...doors(shown.get(id) ?? [])]
        .join('\n')
        .trimEnd();
    })
    .join('\n\n');
}

// Where the same is printed at two doors, once is enough.
function doors(list: readonly Shown[]): string[] {
  const texts = new Map<string, Shown[]>();
  for (const one of list) {
    const text = [`$ ${one.command}`, one.printed.stderr.trimEnd(), one.printed.stdout.trimEnd()]
      .filter((part) => part !== '')
      .join('\n');
    texts.set(text, [...(texts.get(text) ?? []), one]);
  }
  return [...texts].flatMap(([text, ones]) => [
    `${ones.map(({ when }) => when).join('; ')}:`,
    '',
    '```',
    text,
    '```',
    '',
  ]);
}
