// A process that keeps each request for a while, as it does when it reads live objects. It prints its port.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GateAnswer } from '../../src/admission/gate.ts';
import { allowed } from '../../src/admission/response.ts';
import type { Request } from '../../src/admission/review.ts';
import { startTestServer } from './server.ts';

async function decide(request: Request): Promise<GateAnswer> {
  await sleep(500);
  return {
    // The object is used last: until then it is in memory.
    response: allowed(request.uid, { audit: { name: request.object?.metadata.name ?? '' } }),
    record: { verdict: 'allow', findings: [], skipped: [], kept: [] },
  };
}

const { running } = await startTestServer('', { gate: { validate: decide, mutate: decide } });
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)));
writeSync(1, `${running.port}\n`);
