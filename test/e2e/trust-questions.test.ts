import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { reviewOf } from '../support/reviews.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import type { AuditedRequest } from './harness/control-plane.ts';
import { Outsider, type Answer } from './harness/outsider.ts';
import { until } from './harness/program.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { bounded } from './support.ts';
import { breakGlassRollout } from './support/trust.ts';

// Loopback addresses of clients: the API server calls from 127.0.0.1.
const FLOODER = '127.0.0.77';
const GENUINE = '127.0.0.78';
const AT_ONCE = 100;

const [TOKENS, ACCESS] = ['tokenreviews', 'subjectaccessreviews'];

let cluster: Cluster;
let namespace: string;
let flooder: Outsider;
let genuine: Outsider;

beforeAll(async () => {
  cluster = await Cluster.start({ audits: [TOKENS, ACCESS] });
  namespace = await cluster.namespace('questions');
  flooder = await Outsider.at(cluster, FLOODER, AT_ONCE);
  genuine = await Outsider.at(cluster, GENUINE);
  await cluster.admin.run([
    'create',
    'clusterrolebinding',
    'dry-run',
    '--clusterrole=rollgate-dry-run',
    '--user=developer',
  ]);
  await cluster.admin.run([
    'create',
    'clusterrolebinding',
    'break-glass',
    '--clusterrole=rollgate-break-glass',
    '--user=developer',
  ]);
});
afterAll(async () => {
  flooder?.leave();
  genuine?.leave();
  await cluster?.stop();
});

function rollout(name: string, setWeight = 20): KubeObject {
  const value = `${new Date(Date.now() + 3_600_000).toISOString()} INC-1 the controller is dead`;
  return breakGlassRollout(namespace, name, value, setWeight);
}

/** Sends a review that the API server has not sent. */
function forge(user: string, name: string): Promise<Answer> {
  const review = reviewOf({ operation: 'CREATE', object: { ...rollout(name, 120) }, user });
  return flooder.post('/validate?timeout=10s', JSON.stringify(review));
}

/** Returns the requests of Rollgate for a resource that reached the API server while something ran. */
async function questions(resource: string, work: () => Promise<void>): Promise<readonly AuditedRequest[]> {
  const asked = async (): Promise<AuditedRequest[]> => {
    const all = await cluster.controlPlane.audited(resource);
    return all.filter(({ user }) => user === `system:serviceaccount:${ROLLGATE.namespace}:${ROLLGATE.name}`);
  };
  const before = (await asked()).length;
  await work();
  // The last of these lines is about a request that was answered, so the log is complete.
  let last = -1;
  await until(
    'the end of the questions',
    async () => {
      const now = (await asked()).length;
      const quiet = now === last;
      last = now;
      return quiet;
    },
    { every: 500 },
  );
  return (await asked()).slice(before);
}

/** Returns the most requests that were under way at one moment. */
function mostUnderWay(requests: readonly AuditedRequest[]): number {
  return Math.max(
    0,
    ...requests.map(({ begin }) => requests.filter((each) => each.begin <= begin && each.end > begin).length),
  );
}

describe('a flood of invalid tokens', () => {
  it('of 3,000 causes few TokenReviews, and genuine callers are answered in between', async () => {
    const { token } = cluster.controlPlane.person('developer');
    const codes = new Map<number, number>();
    const asked = await questions(TOKENS, async () => {
      const manifests = JSON.stringify(rollout('dry'));
      const answered: number[] = [];
      await bounded(Array.from({ length: 3_000 }), AT_ONCE, async (_, index) => {
        if (index % 500 === 250) answered.push((await genuine.dryRun(token, manifests)).code);
        const { code } = await flooder.dryRun(`junk-${index}`, manifests);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      });
      expect(answered).toEqual([200, 200, 200, 200, 200, 200]);
    });
    expect([...codes.keys()].sort()).toEqual([401, 429]);
    // One address may cause 32, and 4 more each second; the flood takes some seconds.
    expect(asked.length).toBeLessThan(300);
    expect(asked.length).toBeGreaterThan(0);
    expect(mostUnderWay(asked)).toBeLessThanOrEqual(8);
  });
});

describe('a flood of forged break-glass reviews', () => {
  /** Creates an invalid Rollout as a user who may break the glass. */
  async function breakGlass(name: string): Promise<void> {
    const printed = await cluster.developer.run(['create', '-f', '-'], yamlOf([rollout(name, 120)]));
    expect(printed.stderr).toContain('break-glass is in force until');
  }

  async function flood(userOf: (index: number) => string): Promise<readonly AuditedRequest[]> {
    return questions(ACCESS, async () => {
      const codes = new Set<number>();
      await bounded(Array.from({ length: 500 }), AT_ONCE, async (_, index) => {
        if (index === 250) await breakGlass(userOf(0));
        codes.add((await forge(userOf(index), `forged-${index}`)).code);
      });
      expect([...codes]).toEqual([200]);
    });
  }

  it('of one user is one question for as long as it is remembered, and a genuine user is answered', async () => {
    const asked = await flood(() => 'forged');
    // Another question is that about the genuine user.
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(asked.length).toBeGreaterThan(1);
  });

  it('of 500 users never has more than half of the places, and a genuine user is answered', async () => {
    const asked = await flood((index) => `forged-${index}`);
    expect(asked.length).toBeLessThanOrEqual(501);
    expect(mostUnderWay(asked)).toBeLessThanOrEqual(9);
  });
});
