import { RULES } from '../../../src/rules/index.ts';
import type { Printed } from '../harness/kubectl.ts';

/** The output at one door. */
export interface Shown {
  /** The text of the heading. */
  readonly when: string;
  readonly command: string;
  readonly printed: Printed;
}

/** Returns the part of docs/messages.md that shows the output, by rule. */
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

// The same output at two doors is shown once.
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
