import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { virtualNodeHash } from '../src/preserve/virtualnode-hash.ts';
import type { KubeObject } from '../src/world/object.ts';
import { maybe } from './support/arbitraries.ts';
import { asKube, defined } from './support/json-objects.ts';
import { apply } from './support/preserver-tester.ts';

/** How many random nodes each property tries. */
const CASES = Number(process.env['KEEP_CASES'] ?? 300);
const TIME = Math.max(300_000, CASES * 20);

const HASH = 'rollouts-pod-template-hash';
const ROLES = ['stable', 'canary'] as const;

interface Pair {
  readonly stable: string;
  readonly canary: string;
}

/** Returns the hash of a node, as UpdateHash of the controller computes it. */
function written({ stable, canary }: Pair, role: (typeof ROLES)[number]): string {
  if (role === 'stable') return stable;
  return canary === stable ? 'canary-hash' : canary;
}

const hash = fc.constantFrom('a', 'b', 'c');
const pair = fc.record({ stable: hash, canary: hash });

/** What the controller last wrote, and a status that may be behind: it is written after the nodes. */
const moment = fc
  .record({ nodes: pair, before: pair, isBehind: fc.boolean(), role: fc.constantFrom(...ROLES) })
  .map(({ nodes, before, isBehind, role }) => {
    const recorded = isBehind ? before : nodes;
    const rollout = asKube({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        strategy: {
          canary: {
            trafficRouting: {
              appMesh: {
                virtualService: { name: 'web' },
                virtualNodeGroup: {
                  stableVirtualNodeRef: { name: 'stable' },
                  canaryVirtualNodeRef: { name: 'canary' },
                },
              },
            },
          },
        },
      },
      status: {
        currentPodHash: nodes.canary,
        stableRS: nodes.stable,
        canary: {
          weights: {
            canary: { weight: 20, podTemplateHash: recorded.canary },
            stable: { weight: 80, podTemplateHash: recorded.stable },
          },
        },
      },
    });
    return { rollout, role, hash: written(nodes, role) };
  });

const users = fc.record({
  team: maybe(fc.constantFrom('a', 'b')),
  port: fc.constantFrom(80, 8080),
  labels: fc.dictionary(fc.constantFrom('app', 'tier', 'track'), fc.constantFrom('x', 'y')),
});
type Users = typeof users extends fc.Arbitrary<infer T> ? T : never;

function node(name: string, { team, port, labels }: Users, has: string | undefined): KubeObject {
  return asKube({
    apiVersion: 'appmesh.k8s.aws/v1beta2',
    kind: 'VirtualNode',
    metadata: {
      name,
      namespace: 'shop',
      annotations: defined({ team }),
    },
    spec: {
      listeners: [{ portMapping: { port, protocol: 'http' } }],
      podSelector: { matchLabels: defined({ ...labels, [HASH]: has }) },
    },
  });
}

describe('the hash of a VirtualNode', () => {
  it(
    'is not changed when exactly what is stored is applied',
    () => {
      fc.assert(
        fc.property(moment, users, ({ rollout, role, hash }, part) => {
          const stored = node(role, part, hash);
          expect(apply(virtualNodeHash, stored, stored, rollout)).toMatchObject({ operations: [], notes: [] });
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );

  it(
    'stays the one of the controller, and every other edit arrives',
    () => {
      const edits = fc.record({
        from: users,
        to: users,
        has: maybe(fc.constantFrom('a', 'b', 'c', 'x', 'canary-hash')),
      });
      fc.assert(
        fc.property(moment, edits, ({ rollout, role, hash }, { from, to, has }) => {
          const stored = node(role, from, hash);
          expect(apply(virtualNodeHash, node(role, to, has), stored, rollout).object).toEqual(node(role, to, hash));
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );
});
