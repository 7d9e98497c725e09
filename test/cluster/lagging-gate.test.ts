import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { keyOf, kindOf } from '../../src/world/object.ts';
import { gateOver, objectsIn, objectsOf, requestFor } from '../support/gate.ts';
import { serve, synced } from './helpers.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const APPLIES = 200;
// Longer than any decision takes on a busy machine.
const LAG = 60_000;

/** Every consistent example, with the next version of the same set-up, which is applied over it. */
const SUCCESSIONS: readonly (readonly [string, string])[] = [
  ['plain-canary/as-written', 'plain-canary/next'],
  ['argo-cd-plain-canary/first', 'argo-cd-plain-canary/second'],
  ['istio-config-map/first', 'istio-config-map/second'],
  ['istio-host-level', 'istio-subset-level/fixed'],
  ['istio-subset-level/fixed', 'istio-host-level'],
  ['aks-gateway-api/fixed', 'aks-gateway-api/fixed'],
  ['multi-primary', 'multi-primary'],
  ['workloadref-skywalking/as-written', 'workloadref-skywalking/scaled-down'],
  ['istio-without-rollouts', 'istio-without-rollouts'],
];

function bundle(folder: string): KubeObject[] {
  const files = globSync('*.yaml', { cwd: join(EXAMPLES, folder) }).sort();
  return objectsOf(files.map((file) => readFileSync(join(EXAMPLES, folder, file), 'utf8')).join('\n---\n')).filter(
    (object) => kindOf(object) !== undefined,
  );
}

// Referenced objects come before the objects that refer to them, as kubectl and Argo CD apply a folder.
function inOrder(objects: readonly KubeObject[]): KubeObject[] {
  const rank = (object: KubeObject): number =>
    ['Namespace', 'ServiceAccount', 'ConfigMap', 'Service', 'Deployment', 'AnalysisTemplate'].indexOf(object.kind);
  return [...objects].sort(
    (a, b) =>
      (rank(a) < 0 ? 99 : rank(a)) - (rank(b) < 0 ? 99 : rank(b)) ||
      (a.kind === 'Rollout' ? 1 : 0) - (b.kind === 'Rollout' ? 1 : 0),
  );
}

interface Tally {
  readonly applies: number;
  readonly denials: readonly string[];
}

/**
 * Applies two set-ups over one another while the watches lag. Returns the counts of verdicts.
 *
 * @param reread - Whether the gate may read from the API server.
 */
async function applyInTurns(first: string, second: string, reread: boolean): Promise<Tally> {
  const server = await serve();
  const stored = new Map<string, KubeObject>();
  for (const object of bundle(first)) stored.set(keyOf(object), server.put(object));
  const cluster = await synced(server);
  server.watchDelay = LAG;
  const gate = gateOver(cluster.world, { ...(reread ? { live: cluster } : {}), now: Date.now });
  const denials: string[] = [];
  for (let round = 0; round < APPLIES; round++) {
    for (const object of inOrder(bundle(round % 2 === 0 ? second : first))) {
      const { response } = await gate.validate(requestFor(object, stored.get(keyOf(object))), {
        deadline: Date.now() + 4_000,
        maxSubjects: 1_000,
        maxOperations: 500_000,
      });
      if (response.allowed) stored.set(keyOf(object), server.put(object));
      else denials.push(response.status?.message ?? '');
    }
  }
  return { applies: APPLIES, denials };
}

describe('while watches lag a minute behind', () => {
  it.each(SUCCESSIONS)(
    `%s and then %s, applied ${APPLIES} times over one another: nothing is denied`,
    async (first, second) => {
      expect(await applyInTurns(first, second, true)).toEqual({ applies: APPLIES, denials: [] });
    },
  );

  it('without live reads, the stale cache leads to denials', async () => {
    const { denials } = await applyInTurns('istio-host-level', 'istio-subset-level/fixed', false);
    expect(denials).not.toEqual([]);
  });

  it.each([
    ['destinationrule-subsets', 'good-subset-of-another-destination-rule.yaml', 'Rollout', 'DestinationRule'],
    ['analysis-metrics', 'good-empty-beside-a-missing-template.yaml', 'AnalysisTemplate', 'Rollout'],
  ])('%s denies nothing in %s, of which the newest objects are missing', async (rule, fixture, kind, newKind) => {
    const objects = objectsIn(join(import.meta.dirname, '../../src/rules', rule, 'fixtures', fixture));
    const admitted = objects.find((object) => object.kind === kind) as KubeObject;
    const newest = objects.filter((object) => object !== admitted && object.kind === newKind);
    const server = await serve();
    for (const object of objects) if (object !== admitted && !newest.includes(object)) server.put(object);
    const cluster = await synced(server);
    const gate = gateOver(cluster.world, { live: cluster, now: Date.now });
    const decision = async (): Promise<string | undefined> => {
      const limits = { deadline: Date.now() + 300_000, maxSubjects: 1_000, maxOperations: 500_000 };
      const { record } = await gate.validate(requestFor(admitted, undefined), limits);
      return record.findings.find((finding) => finding.rule === rule)?.decision;
    };
    server.watchDelay = LAG;
    for (const object of newest.slice(0, -1)) server.put(object);
    expect(await decision()).toBe('deny');
    for (const object of newest.slice(-1)) server.put(object);
    expect(await decision()).toBeUndefined();
    server.fail(`${newKind === 'Rollout' ? 'argoproj.io/rollouts' : 'networking.istio.io/destinationrules'} list`, 500);
    expect(await decision()).toBe('warn');
  });
});
