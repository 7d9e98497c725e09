import { Command, CommanderError } from 'commander';
import { EXIT, type Io } from './commands/io.ts';
import { VERSION } from './version.ts';
import { messageOf } from './world/error.ts';

type Exit = (code: number) => void;

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command, with the modules that only it needs. */
  readonly load: (io: Io, exit: Exit) => Promise<Command>;
}

const COMMANDS: readonly Entry[] = [
  {
    name: 'lint',
    summary: 'check manifests before you apply them',
    load: async (io, exit) => (await import('./commands/lint.ts')).lintCommand(io, exit),
  },
  {
    name: 'simulate',
    summary: 'show what an update of a Rollout will do, step by step',
    load: async (io, exit) => (await import('./commands/simulate.ts')).simulateCommand(io, exit),
  },
  {
    name: 'dashboard',
    summary: 'show in a browser what a Rollout controls and what its update will do',
    load: async (io, exit) => (await import('./commands/dashboard.ts')).dashboardCommand(io, exit),
  },
  {
    name: 'scan',
    summary: 'report problems that are in the cluster now, and what would be denied',
    load: async (io, exit) => (await import('./commands/scan.ts')).scanCommand(io, exit),
  },
  {
    name: 'convert',
    summary: 'print the Rollouts that Deployments would become, and what prevents conversion',
    load: async (io, exit) => (await import('./commands/convert.ts')).convertCommand(io, exit),
  },
  {
    name: 'serve',
    summary: 'run the admission webhook and the dry-run endpoint',
    load: async (io, exit) => (await import('./commands/serve.ts')).serveCommand(io, exit),
  },
  {
    name: 'self-test',
    summary: 'send an invalid Rollout as a server-side dry run, and report whether Rollgate answers',
    load: async (io, exit) => (await import('./commands/self-test.ts')).selfTestCommand(io, exit),
  },
  {
    name: 'policy',
    summary: 'check a policy before you apply it',
    load: async (io, exit) => (await import('./commands/policy.ts')).policyCommand(io, exit),
  },
  {
    name: 'rules',
    summary: 'list the rules and keeps, or explain one of them',
    load: async (io, exit) => (await import('./commands/rules.ts')).rulesCommand(io, exit),
  },
];

/**
 * Runs the command line. What is wrong with the arguments is said on `stderr` in one line, and so is a fault of
 * Rollgate: it never rejects.
 *
 * @returns The exit code; undefined where the command goes on running.
 */
export async function main(args: readonly string[], io: Io): Promise<number | undefined> {
  let code: number | undefined;
  const exit: Exit = (given) => {
    code = given;
  };
  try {
    const program = await programFor(args, io, exit);
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.failed;
    const command = COMMANDS.find(({ name }) => name === args.find((arg) => !arg.startsWith('-')));
    io.stderr.write(`rollgate${command === undefined ? '' : ` ${command.name}`}: ${messageOf(error)}\n`);
    return EXIT.failed;
  }
}

/**
 * Returns the program with all its commands. Only the one that the arguments name has its options: the modules of the
 * others are not loaded.
 */
export async function programFor(args: readonly string[], io: Io, exit: Exit): Promise<Command> {
  const program = new Command('rollgate')
    .description('An admission webhook for Argo Rollouts')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(use --help to list the commands and options)')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });
  const named = args.filter((arg) => !arg.startsWith('-'));
  const wanted = named[0] === 'help' ? named[1] : named[0];
  for (const { name, summary, load } of COMMANDS) {
    const command = name === wanted ? await load(io, exit) : new Command(name).description(summary);
    program.addCommand(command.copyInheritedSettings(program));
    for (const nested of command.commands) nested.copyInheritedSettings(program);
  }
  return program;
}
