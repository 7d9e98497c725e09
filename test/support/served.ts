import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ServeOptions } from '../../src/commands/serve/options.ts';
import { serve, type ServeDependencies } from '../../src/commands/serve/serve.ts';
import { createLog } from '../../src/server/log.ts';
import type { RunningServer } from '../../src/server/server.ts';
import { shopObject, type Json } from './reviews.ts';

/** What a test leaves to do after it, last first. */
export const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

/** Writes files into a folder for this test. */
export async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'serve-'));
  cleanup.push(() => rm(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const DEFAULTS: ServeOptions = { port: 0, healthPort: 0, logLevel: 'info', maxInFlight: 100, tlsMinVersion: '1.3' };

/** A server that runs, and its log. */
export interface Served {
  readonly running: RunningServer;
  readonly lines: readonly Json[];
}

/** Starts `rollgate serve`, until the test ends. */
export async function start(
  options: Partial<ServeOptions>,
  dependencies: Partial<ServeDependencies> = {},
): Promise<Served> {
  const lines: Json[] = [];
  const log = createLog(options.logLevel ?? 'info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Json),
  });
  const running = await serve({ ...DEFAULTS, ...options }, { log, droppedLogLines: () => 0, ...dependencies });
  cleanup.push(() => Promise.all([running.stop(), running.stop()]));
  return { running, lines };
}

/** Returns an agent that keeps connections, until the test ends. */
export function agent(): https.Agent {
  const made = new https.Agent({ keepAlive: true });
  cleanup.push(() => made.destroy());
  return made;
}

/** Returns the Rollout of the shop with a route that does not exist. */
export function unroutedRollout(): Json {
  return JSON.parse(JSON.stringify(shopObject('Rollout', 'reviews')).replace('"main"', '"primary"')) as Json;
}
