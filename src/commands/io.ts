import process from 'node:process';

/** What a command reads and writes besides files. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: AsyncIterable<string | Uint8Array>;
  /** The directory that relative paths start from. */
  readonly cwd: string;
  /** Whether a person looks at `stdout`. */
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Out: that of this process. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    cwd: process.cwd(),
    isTTY: process.stdout.isTTY === true,
    env: process.env,
  };
}

/** What a command exits with. */
export const EXIT = {
  /** Nothing would be denied. */
  clean: 0,
  /** Something would be denied. */
  denied: 1,
  /** It could not do what it was asked. */
  failed: 2,
} as const;
