// Rollgate as the image runs it, with the manifests of a folder. On each message it answers what the process holds.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../../src/commands/serve/serve.ts';
import { createLog } from '../../src/server/log.ts';
import { standardOutput } from '../../src/server/log-sink.ts';

/** What a process holds once nobody uses it. */
export interface Held {
  /** Bytes of the heap after garbage collection. */
  readonly heap: number;
  /** Open file descriptors. */
  readonly descriptors: number;
  /** What keeps the event loop alive, by type. */
  readonly resources: Readonly<Record<string, number>>;
  readonly resident: number;
}

function held(): Held {
  const resources: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
  return {
    heap: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    resources,
    resident: process.memoryUsage().rss,
  };
}

const [folder = '', policy = ''] = process.argv.slice(2);
const sink = standardOutput();
const running = await serve(
  { manifests: [folder], policy, port: 0, healthPort: 0, logLevel: 'info', maxInFlight: 100, tlsMinVersion: '1.3' },
  { log: createLog('info', sink), droppedLogLines: () => 0 },
);
process.on('message', () => {
  void (async () => {
    // What was freed last is collected by the second pass, once its finalizers have run.
    for (let pass = 0; pass < 3; pass++) {
      globalThis.gc?.();
      await sleep(20);
    }
    process.send?.(held());
  })();
});
process.once('disconnect', () => process.exit(0));
process.send?.({ port: running.port, healthPort: running.healthPort });
