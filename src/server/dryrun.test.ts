import { readFileSync, readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../policy/policy.ts';
import { fieldsOfDefinition } from '../world/field-tree.ts';
import { storeOf } from '../world/store.ts';
import { DryRuns, type DryRunSender } from './dryrun.ts';
import type { DryRunJob } from './dryrun-job.ts';
import { createLog } from './log.ts';

const dryRuns = new DryRuns({ world: storeOf([]), log: createLog('silent', { write: () => undefined }) });

afterEach(() => dryRuns.stop());

const job: DryRunJob = {
  body: Buffer.from('{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}'),
  format: 'json',
  namespace: undefined,
  requireReferences: false,
  policy: DEFAULT_POLICY,
};

function sender(user: string, done: string[] = []): DryRunSender {
  return {
    path: ['127.0.0.1', user],
    reader: (scopes) => {
      done.push(user);
      return Promise.resolve(new Set(scopes));
    },
  };
}

it('lets senders take turns: one who sends many delays the others by one, and loses when too many wait', async () => {
  const finished: string[] = [];
  const run = async (user: string): Promise<number> => {
    const { status } = await dryRuns.run(job, sender(user));
    if (status === 200) finished.push(user);
    return status;
  };
  const greedy = Array.from({ length: 12 }, () => run('greedy'));
  const jane = run('jane');
  const statuses = await Promise.all(greedy);
  expect(await jane).toBe(200);
  expect(statuses.filter((status) => status === 503)).toHaveLength(4);
  expect(finished.indexOf('jane')).toBeLessThanOrEqual(2);
});

it.runIf(process.platform === 'linux')('runs in a thread that gives way to all others', async () => {
  const main = Number(readFileSync('/proc/self/stat', 'utf8').split(' ')[0]);
  const before = getPriority(main);
  await dryRuns.run(job, sender('jane'));
  const threads = readdirSync('/proc/self/task').map(Number);
  expect(threads.filter((thread) => getPriority(thread) === Math.min(before + 10, 19))).toHaveLength(1);
  expect(getPriority(main)).toBe(before);
});

it('compares with the fields that the cluster has installed, which the thread gets when they change', async () => {
  const world = storeOf([]);
  const dryRun = new DryRuns({ world, log: createLog('silent', { write: () => undefined }) });
  const install = (field: string): void => {
    const spec = { type: 'object', properties: { [field]: { type: 'string' } } };
    const schema = {
      openAPIV3Schema: { type: 'object', properties: { apiVersion: {}, kind: {}, metadata: {}, spec } },
    };
    const names = { kind: 'DestinationRule' };
    const versions = [{ name: 'v1', served: true, schema }];
    world.fields = fieldsOfDefinition({ spec: { group: 'networking.istio.io', names, versions } });
  };
  const object = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'a' },
    spec: { quantum: 'a' },
  };
  const unknown = async (): Promise<boolean> => {
    const reply = await dryRun.run({ ...job, body: Buffer.from(JSON.stringify(object)) }, sender('jane'));
    return Buffer.from(reply.body as Uint8Array)
      .toString()
      .includes('"unknown-field"');
  };
  try {
    expect(await unknown()).toBe(true);
    install('quantum');
    expect([await unknown(), await unknown()]).toEqual([false, false]);
    install('host');
    expect(await unknown()).toBe(true);
  } finally {
    await dryRun.stop();
  }
});
