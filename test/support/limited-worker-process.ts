// Prints the heap limit of the main thread, in MiB, before and after it started a thread, and that of the thread.
import { writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { startLimitedWorker } from '../../src/server/limited-worker.ts';

const limit = ({ heap_size_limit }: { heap_size_limit: number }): number => heap_size_limit / 1024 / 1024;
const before = limit(getHeapStatistics());
const worker = startLimitedWorker(new URL('data:text/javascript,setInterval(() => 0, 1000)'), {
  limits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 },
});
await new Promise((resolve) => worker.once('online', resolve));
const thread = limit(await worker.getHeapStatistics());
writeSync(1, JSON.stringify({ before, after: limit(getHeapStatistics()), thread }));
process.exit(0);
