import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Returns the directory of compiled code, which belongs to the user. Other users may write to the default of Node.js, in
 * the directory of temporary files.
 *
 * @param home - Returns the home directory, or throws if the user has none.
 */
export function compileCacheDirectory(
  env: Readonly<Record<string, string | undefined>>,
  home: () => string = homedir,
): string | undefined {
  const given = env['XDG_CACHE_HOME'];
  if (given !== undefined && given.startsWith('/')) return join(given, 'rollgate');
  try {
    return join(home(), '.cache', 'rollgate');
  } catch {
    // A container may run under an id that has no home.
    return undefined;
  }
}

/**
 * Keeps the compiled code of the command line between its runs, because compiling takes much of the time of a short one.
 * `NODE_DISABLE_COMPILE_CACHE=1` turns this off, and a directory that cannot be written changes nothing.
 *
 * @param args - The arguments. `serve` runs for days in a container whose files are read-only, and is left out.
 */
export function keepCompiledCode(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  enable: (directory: string) => unknown = enableCompileCache,
): void {
  if (args.find((arg) => !arg.startsWith('-')) === 'serve') return;
  const directory = compileCacheDirectory(env);
  if (directory !== undefined) enable(directory);
}
