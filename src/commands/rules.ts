import { Command, Option } from 'commander';
import { DOCUMENT_RULES } from '../documents/index.ts';
import { PRESERVERS } from '../preserve/index.ts';
import type { Message } from '../rules/define.ts';
import { RULES } from '../rules/index.ts';
import { largest } from '../world/extremes.ts';
import { KINDS, type KindId } from '../world/object.ts';
import { nearest } from '../world/nearest.ts';
import { EXIT, type Io } from './io.ts';

/** The options of `rollgate rules`. */
export interface RulesOptions {
  /** The id of the one to show in full. */
  readonly id?: string | undefined;
  readonly output?: 'text' | 'json' | undefined;
}

interface Entry {
  readonly id: string;
  /**
   * `rule`: evaluated at admission and in manifests; `lint`: a rule that only lint and the dry run use; `document`: in
   * manifests only; `keep`: what is restored at admission.
   */
  readonly sort: 'rule' | 'lint' | 'document' | 'keep';
  readonly summary: string;
  readonly explanation?: string;
  /** The kinds it evaluates, or keeps something in. */
  readonly kinds?: readonly KindId[];
  /** The other kinds it looks at. */
  readonly reads?: readonly KindId[];
  readonly messages?: Readonly<Record<string, Message>>;
}

/**
 * Runs `rollgate rules`.
 *
 * @returns The exit code, 2 if there is no such rule.
 */
export function runRules({ id, output }: RulesOptions, io: Pick<Io, 'stdout' | 'stderr'>): number {
  const all = entries();
  const wanted = id === undefined ? all : all.filter((entry) => entry.id === id);
  if (id !== undefined && wanted.length === 0) {
    const near = nearest(
      id,
      all.map((entry) => entry.id),
    );
    io.stderr.write(
      `rollgate rules: no rule or keep has the id "${id}": ${near === undefined ? 'run "rollgate rules" to list them' : `did you mean "${near}"?`}\n`,
    );
    return EXIT.failed;
  }
  if (output === 'json') io.stdout.write(`${JSON.stringify(id === undefined ? wanted : wanted[0], undefined, 2)}\n`);
  else io.stdout.write(id === undefined ? table(wanted) : wanted.map(page).join(''));
  return EXIT.clean;
}

function entries(): Entry[] {
  return [
    ...RULES.map(({ id, summary, explanation, lintOnly, subject, reads, messages }): Entry => ({
      id,
      sort: lintOnly ? 'lint' : 'rule',
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
  lint: 'Rules of lint and the dry run only, because their advice is about manifests, not requests',
  document: 'Checks of manifests only, because these problems never reach the API server',
  keep: 'Keeps, which restore what the Argo Rollouts controller wrote',
};

function table(all: readonly Entry[]): string {
  const width = largest(all.map(({ id }) => id.length)) ?? 0;
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
  const texts = Object.values(messages ?? {}).map(
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
          `${sort === 'keep' ? 'Keeps' : 'Evaluates'}: ${names(kinds)}${reads === undefined || reads.length === 0 ? '' : `; reads: ${names(reads)}`}`,
        ]),
    ...(texts.length === 0 ? [] : ['', 'Messages:', ...texts]),
    '',
  ].join('\n');
}

/**
 * Returns the command `rollgate rules`.
 *
 * @param exit - Called with the exit code.
 */
export function rulesCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('rules')
    .description('list the rules and keeps, or explain one of them')
    .argument('[id]', 'the rule or keep to explain')
    .addOption(new Option('-o, --output <format>', 'the output format').choices(['text', 'json']).default('text'))
    .action((id: string | undefined, options: Omit<RulesOptions, 'id'>) => {
      exit(runRules({ ...options, id }, io));
    });
}
