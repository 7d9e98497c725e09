import { Command, Option } from 'commander';
import { DOCUMENT_RULES } from '../documents/index.ts';
import { PRESERVERS } from '../preserve/index.ts';
import type { Message } from '../rules/define.ts';
import { RULES } from '../rules/index.ts';
import { KINDS, type KindId } from '../world/object.ts';
import { nearest } from '../world/nearest.ts';
import { EXIT, type Io } from './io.ts';

/** What `rollgate rules` was told. */
export interface RulesOptions {
  /** Only this one, in full. */
  readonly id?: string | undefined;
  readonly output?: 'text' | 'json' | undefined;
}

interface Entry {
  readonly id: string;
  /**
   * `rule`: judged at admission and in manifests; `document`: in manifests only; `keep`: what is put back at admission.
   */
  readonly sort: 'rule' | 'document' | 'keep';
  readonly summary: string;
  readonly explanation?: string;
  /** The kinds it judges, or keeps something in. */
  readonly kinds?: readonly KindId[];
  /** The other kinds it looks at. */
  readonly reads?: readonly KindId[];
  readonly messages?: Readonly<Record<string, Message>>;
}

/** In: options, and where to write. Out: the exit code, 2 where there is no such rule. */
export function runRules({ id, output }: RulesOptions, io: Pick<Io, 'stdout' | 'stderr'>): number {
  const all = entries();
  const wanted = id === undefined ? all : all.filter((entry) => entry.id === id);
  if (id !== undefined && wanted.length === 0) {
    const near = nearest(
      id,
      all.map((entry) => entry.id),
    );
    io.stderr.write(
      `rollgate rules: there is no rule "${id}"${near === undefined ? '' : `, did you mean "${near}"?`}\n`,
    );
    return EXIT.failed;
  }
  if (output === 'json') io.stdout.write(`${JSON.stringify(id === undefined ? wanted : wanted[0], undefined, 2)}\n`);
  else io.stdout.write(id === undefined ? table(wanted) : wanted.map(page).join(''));
  return EXIT.clean;
}

function entries(): Entry[] {
  return [
    ...RULES.map(({ id, summary, explanation, subject, reads, messages }): Entry => ({
      id,
      sort: 'rule',
      summary,
      explanation,
      kinds: subject,
      reads,
      messages,
    })),
    ...DOCUMENT_RULES.map(({ id, summary, explanation, messages }): Entry => ({
      id,
      sort: 'document',
      summary,
      explanation,
      messages,
    })),
    ...PRESERVERS.map(({ id, summary, kinds }): Entry => ({ id, sort: 'keep', summary, kinds })),
  ];
}

const HEADINGS: Readonly<Record<Entry['sort'], string>> = {
  rule: 'Rules, at admission and in manifests',
  document: 'Checks of manifests only: an API server never sees what they find',
  keep: 'Keeps: what is put back when somebody applies over it',
};

function table(all: readonly Entry[]): string {
  const width = Math.max(...all.map(({ id }) => id.length));
  const sections = [...Map.groupBy(all, ({ sort }) => sort)].map(([sort, some]) =>
    [
      HEADINGS[sort],
      '',
      ...some.map((entry) => `  ${entry.id.padEnd(width)}  ${classes(entry).padEnd(16)}  ${entry.summary}`),
    ].join('\n'),
  );
  return `${sections.join('\n\n')}\n`;
}

function classes({ messages = {} }: Entry): string {
  return [...new Set(Object.values(messages).map((message) => message.class))].sort().reverse().join(', ');
}

function page(entry: Entry): string {
  const { id, sort, summary, explanation, kinds, reads, messages } = entry;
  const names = (ids: readonly KindId[]): string => ids.map((kind) => KINDS[kind].kind).join(', ');
  const told = Object.values(messages ?? {}).map(
    (message) => `  ${message.class.padEnd(7)}  ${message.text}: ${message.fix}`,
  );
  return [
    `${id} (${sort})`,
    '',
    summary,
    ...(explanation === undefined ? [] : ['', explanation]),
    ...(kinds === undefined
      ? []
      : [
          '',
          `${sort === 'keep' ? 'Keeps' : 'Judges'}: ${names(kinds)}${reads === undefined || reads.length === 0 ? '' : `; looks at: ${names(reads)}`}`,
        ]),
    ...(told.length === 0 ? [] : ['', 'Says:', ...told]),
    '',
  ].join('\n');
}

/** In: what to write to, and what to do with the exit code. Out: the command `rules`. */
export function rulesCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('rules')
    .description('list what is checked and kept, or explain one of them')
    .argument('[id]', 'only this one, in full')
    .addOption(new Option('-o, --output <format>', 'how to write it').choices(['text', 'json']).default('text'))
    .action((id: string | undefined, options: Omit<RulesOptions, 'id'>) => {
      exit(runRules({ ...options, id }, io));
    });
}
