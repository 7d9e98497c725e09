import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import { virtualNodeHash } from './virtualnode-hash.ts';

const keep = virtualNodeHash;

interface Recorded {
  readonly stable?: string;
  readonly canary?: string;
  /** The rest of the status. */
  readonly status?: string;
  readonly name?: string;
}

function rollout({ stable = 'old', canary = 'new', status, name = 'web' }: Recorded = {}): KubeObject {
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: ${name}, namespace: shop}
spec:
  strategy:
    canary:
      trafficRouting:
        appMesh:
          virtualService: {name: web}
          virtualNodeGroup: {stableVirtualNodeRef: {name: stable}, canaryVirtualNodeRef: {name: canary}}
status:
  ${status ?? 'currentPodHash: new, stableRS: old'.split(', ').join('\n  ')}
  canary: {weights: {canary: {weight: 20, podTemplateHash: ${canary}}, stable: {weight: 80, podTemplateHash: ${stable}}}}
`);
}
/** Whose canary gets no traffic yet, and has no weights in its status. */
const unweighted = yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: ${JSON.stringify(rollout()['spec'])}
status: {currentPodHash: new, stableRS: old}
`);

function node(name: string, hash?: string, manager = ''): KubeObject {
  const managedFields =
    manager === ''
      ? ''
      : `, managedFields: [{manager: ${manager}, operation: Apply, fieldsV1: {f:spec: {f:podSelector: {}}}}]`;
  return yaml(`
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: {name: ${name}, namespace: shop${managedFields}}
spec:
  listeners: [{portMapping: {port: 80, protocol: http}}]
  podSelector: {matchLabels: {app: web${hash === undefined ? '' : `, rollouts-pod-template-hash: ${hash}`}}}
`);
}

function hashOf(object: KubeObject): unknown {
  const { podSelector } = object['spec'] as { podSelector?: { matchLabels: Record<string, string> } };
  return podSelector?.matchLabels['rollouts-pod-template-hash'];
}

describe('virtualnode-hash', () => {
  it('puts the stored hash back into an apply, and lets the rest through', () => {
    const submitted = yaml(`
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: {name: canary, namespace: shop}
spec: {listeners: [], podSelector: {matchLabels: {app: web, tier: front}}, backends: [{}]}
`);
    const { operations, notes } = apply(keep, submitted, node('canary', 'new'), rollout());
    expect(operations).toEqual([
      { op: 'add', path: '/spec/podSelector/matchLabels/rollouts-pod-template-hash', value: 'new' },
    ]);
    expect(notes).toEqual(['hash new in the pod selector (canary)']);
  });

  it.each([
    ['stable', 'old'],
    ['canary', 'new'],
  ])('gives a new %s node the hash of the status', (name, hash) => {
    expect(apply(keep, node(name), undefined, rollout()).object).toEqual(node(name, hash));
  });

  it.each(['stable', 'canary'])(
    'gives a %s node nothing where the status has no weights and none is stored',
    (name) => {
      expect(apply(keep, node(name), undefined, unweighted).operations).toEqual([]);
      expect(apply(keep, node(name), node(name), unweighted).operations).toEqual([]);
    },
  );

  it('keeps a stored hash of the Rollout where the status has no weights', () => {
    expect(hashOf(apply(keep, node('canary'), node('canary', 'new'), unweighted).object)).toBe('new');
    expect(hashOf(apply(keep, node('canary'), node('canary', 'gone'), unweighted).object)).toBeUndefined();
    expect(hashOf(apply(keep, node('canary'), node('canary', 'canary-hash'), unweighted).object)).toBeUndefined();
  });

  it('keeps the text for no canary, as the controller writes it where both hashes are the same', () => {
    const settled = rollout({ stable: 'new', canary: 'new', status: 'currentPodHash: new\n  stableRS: new' });
    expect(hashOf(apply(keep, node('canary'), node('canary', 'canary-hash'), settled).object)).toBe('canary-hash');
    expect(hashOf(apply(keep, node('canary'), node('canary'), settled).object)).toBe('canary-hash');
    expect(hashOf(apply(keep, node('stable'), node('stable'), settled).object)).toBe('new');
  });

  it('copies a stored hash that the status does not have yet in that place', () => {
    // The pods were promoted, and the controller has not written the weights into the status since.
    const promoted = rollout({ status: 'currentPodHash: new\n  stableRS: new' });
    expect(hashOf(apply(keep, node('stable'), node('stable', 'new'), promoted).object)).toBe('new');
    expect(hashOf(apply(keep, node('canary'), node('canary', 'canary-hash'), promoted).object)).toBe('canary-hash');
    expect(hashOf(apply(keep, node('canary'), node('canary', 'new'), promoted).object)).toBe('new');
  });

  it('replaces a stored hash that belongs to no pods of the Rollout', () => {
    expect(hashOf(apply(keep, node('canary'), node('canary', 'gone'), rollout()).object)).toBe('new');
    expect(hashOf(apply(keep, node('stable', 'gone'), node('stable', 'gone'), rollout()).object)).toBe('old');
    expect(hashOf(apply(keep, node('stable'), node('stable', 'canary-hash'), rollout()).object)).toBe('old');
  });

  it('restores the hash that is missing in the stored node too', () => {
    expect(hashOf(apply(keep, node('canary'), node('canary'), rollout()).object)).toBe('new');
  });

  const applied = (stored: KubeObject, submitted: KubeObject, subject: KubeObject, manager: string): unknown => {
    const result = keep.keep({
      submitted,
      old: stored,
      rollout: subject,
      rollouts: [subject],
      drivers: [subject],
      world: storeOf([subject, submitted]),
      manager,
    });
    return result.operations.find(({ path }) => path.endsWith('hash'));
  };
  it.each([
    ['the file is of a time without canary', 'canary-hash', 'argocd', rollout(), 'new'],
    ['somebody else wrote it', 'canary-hash', 'other', rollout(), undefined],
    ['the status is of another time', 'canary-hash', 'argocd', rollout({ canary: 'before' }), undefined],
    // Traffic would move: the router still has the weight of the other role.
    ['the nodes have swapped their roles', 'old', 'argocd', rollout(), undefined],
  ])('does not perpetuate what was written while Rollgate was away: %s', (_, hash, writer, subject, kept) => {
    expect(applied(node('canary', hash, writer), node('canary', hash), subject, 'argocd')).toEqual(
      kept === undefined ? undefined : expect.objectContaining({ value: kept }),
    );
  });

  it('keeps nothing for a Rollout that does not name the node, or names it twice', () => {
    expect(apply(keep, node('other'), node('other', 'new'), rollout()).operations).toEqual([]);
    const both = JSON.parse(JSON.stringify(rollout()).replace('"name":"canary"', '"name":"stable"')) as KubeObject;
    expect(apply(keep, node('stable'), node('stable', 'old'), both).operations).toEqual([]);
  });

  it('keeps only what is stored in a node of several Rollouts', () => {
    const other = rollout({ name: 'other', stable: 'a', canary: 'b', status: 'currentPodHash: b\n  stableRS: a' });
    for (const [one, two] of [
      [rollout(), other],
      [other, rollout()],
    ] as const) {
      expect(apply(keep, node('canary'), node('canary', 'gone'), one, [two]).operations).toEqual([]);
      expect(apply(keep, node('canary'), undefined, one, [two]).operations).toEqual([]);
    }
    expect(hashOf(apply(keep, node('canary'), node('canary', 'new'), rollout(), [other]).object)).toBe('new');
    expect(apply(keep, node('canary'), node('canary', 'new'), other, [rollout()]).operations).toEqual([]);
  });

  it('keeps the hash where the file has no pod selector: the controller makes one', () => {
    const bare = yaml(
      '{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: canary, namespace: shop}, spec: {}}',
    );
    expect(hashOf(apply(keep, bare, node('canary', 'new'), rollout()).object)).toBe('new');
  });
});
