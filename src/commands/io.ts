import process from 'node:process';

/** What a command reads and writes, except files. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: AsyncIterable<string | Uint8Array>;
  /** The directory that relative paths start from. */
  readonly cwd: string;
  /** Whether `stdout` is a terminal. */
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Waits. */
  pause(milliseconds: number): Promise<void>;
}

/** Returns the streams and environment of this process. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    cwd: process.cwd(),
    isTTY: process.stdout.isTTY === true,
    env: process.env,
    pause: (milliseconds) => new Promise((resolve) => void setTimeout(resolve, milliseconds)),
  };
}

/** The exit codes of all commands. */
export const EXIT = {
  /** The command found no problem. */
  clean: 0,
  /** It found one: something would be denied, a policy is invalid, or Rollgate does not answer. */
  denied: 1,
  /** The command could not do what it was asked to. */
  failed: 2,
} as const;
