import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { ARGO_CD_WAYS, yamlOf, type Way } from './harness/kubectl.ts';
import { tenant, whileDown, type Right } from './harness/tenants.ts';
import type { Expected } from './support/transition-table.ts';
import { ownAnnotations, Transitions, UNTOUCHED, type Outcome, type State } from './support/transitions.ts';

const WAYS = Object.keys(ARGO_CD_WAYS) as Way[];
const DRY: Way = 'server-side dry run';
const RIGHTS: readonly Right[] = ['without', 'with'];

/** What the manifest in Git says next. */
type Manifest = 'plain' | 'asks' | 'asks for 2' | 'asks for other' | 'off' | 'exported';

/** A sync, and what is expected: Rollgate up, without and with the right; Rollgate down, likewise. */
interface Sync {
  readonly from: State;
  readonly to: Manifest;
  readonly expected: readonly [Expected, Expected, Expected, Expected];
  /** The same for Replace=true, while Rollgate is down. */
  readonly replaced?: readonly [Expected, Expected];
}

const [D, R, NO] = ['Deployment', 'Rollout', 'refused'] as const;

// Nothing remains of what admission added when a manifest replaces the object while Rollgate is down. At its first
// revision the Rollouts controller scales the Deployment to 0 again. Later the Deployment runs its own pods too, until a
// user with the right edits it or somebody goes back.
const SYNCS: readonly Sync[] = [
  { from: 'absent', to: 'plain', expected: [D, D, D, D] },
  { from: 'absent', to: 'asks', expected: [NO, R, D, D] },
  { from: 'plain', to: 'asks', expected: [NO, R, D, D] },
  { from: 'converted', to: 'asks', expected: [R, R, R, R] },
  { from: 'converted', to: 'asks for 2', expected: [R, R, R, R] },
  // Replaced, the Deployment only has the wish for another profile.
  { from: 'converted', to: 'asks for other', expected: [NO, R, NO, R], replaced: [R, R] },
  { from: 'updated', to: 'asks', expected: [R, R, R, R], replaced: ['both', 'both'] },
  { from: 'updated', to: 'plain', expected: [D, D, D, D] },
  { from: 'converted', to: 'exported', expected: [R, R, R, R] },
  { from: 'converted', to: 'off', expected: [D, D, D, D] },
  { from: 'converted', to: 'plain', expected: [D, D, D, D] },
  { from: 'suspended', to: 'asks', expected: [D, D, D, D] },
  { from: 'suspended', to: 'plain', expected: [D, D, D, D] },
];

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({
    ...policy,
    profiles: {
      canary: { strategy: { canary: {} } },
      other: { strategy: { canary: { steps: [{ setWeight: 50 }, { pause: { duration: '5m' } }] } } },
    },
  }));
});
afterAll(() => cluster?.stop());

interface Cell {
  readonly name: string;
  readonly from: State;
  readonly to: Manifest;
  readonly way: Way;
  readonly right: Right;
  readonly expected: Expected;
}

function cellsOf(state: 'up' | 'down'): Cell[] {
  return SYNCS.flatMap(({ from, to, expected, replaced }) =>
    WAYS.flatMap((way) =>
      RIGHTS.map((right, index): Cell => {
        const name = [from, to, way, right].join('-').replaceAll(' ', '-');
        const outcome =
          state === 'up' ? expected[index] : way === 'replace' && replaced ? replaced[index] : expected[2 + index];
        // Rollgate only warns in a dry run of Argo CD. The sync is denied.
        const dry = way === DRY && (state === 'up' || outcome !== NO) ? UNTOUCHED[from] : outcome;
        return { name, from, to, way, right, expected: dry ?? NO };
      }),
    ),
  );
}

const CONVERT: Partial<Record<Manifest, string>> = {
  asks: 'canary',
  'asks for 2': 'canary',
  'asks for other': 'other',
  off: 'off',
};

function manifestOf(namespace: string, name: string, to: Manifest, image = 'web:1'): KubeObject {
  const convert = CONVERT[to];
  return deployment(namespace, name, {
    replicas: to === 'asks for 2' ? 2 : 1,
    image,
    ...(convert === undefined ? {} : { convert }),
  });
}

async function exported(scene: ConversionScene, name: string): Promise<KubeObject> {
  const plain = deployment(scene.namespace, name, { replicas: 0 });
  return { ...plain, metadata: { ...plain.metadata, annotations: ownAnnotations(await scene.deployment(name)) } };
}

/** The arguments of kubectl with which Argo CD creates an object that it later writes in some way. */
function creating(way: Way): readonly string[] {
  if (way === 'replace') return ['create', '--field-manager=argocd-controller'];
  return ARGO_CD_WAYS[way === DRY ? 'server-side apply' : way];
}

/** Syncs all manifests, and compares what becomes of them with what is expected. */
async function synced(state: 'up' | 'down'): Promise<void> {
  const scene = await ConversionScene.open(cluster);
  const { namespace } = scene;
  const tenants = {
    with: await tenant(cluster, namespace, 'with'),
    without: await tenant(cluster, namespace, 'without'),
  };
  const cells = cellsOf(state);
  const existing = cells.filter(({ from }) => from !== 'absent');
  for (const way of WAYS)
    await cluster.argoCd.run(
      [...creating(way), '-f', '-'],
      yamlOf(
        existing
          .filter((cell) => cell.way === way)
          .map(({ name, from }) => manifestOf(namespace, name, from === 'plain' ? 'plain' : 'asks')),
      ),
    );
  const transitions = new Transitions(cluster.controlPlane.admin, namespace);
  await transitions.reach(existing);
  const manifests = new Map<string, KubeObject>();
  for (const { name, from, to } of cells) {
    const image = from === 'updated' ? 'web:2' : 'web:1';
    manifests.set(name, to === 'exported' ? await exported(scene, name) : manifestOf(namespace, name, to, image));
  }

  const refusals = new Map<string, string>();
  const apply = async (way: Way, right: Right, absent: boolean): Promise<void> => {
    const group = cells.filter(
      (cell) => cell.way === way && cell.right === right && (cell.from === 'absent') === absent,
    );
    const args = absent && way === 'replace' ? creating(way) : ARGO_CD_WAYS[way];
    const yaml = yamlOf(group.flatMap(({ name }) => manifests.get(name) ?? []));
    // A refusal of one object does not stop the others.
    const { stdout, stderr } = await tenants[right].kubectl.try([...args, '-f', '-', '-o', 'name'], yaml);
    const accepted = new Set(stdout.split('\n'));
    for (const { name } of group) if (!accepted.has(`deployment.apps/${name}`)) refusals.set(name, stderr);
  };
  const all = async (): Promise<void> => {
    for (const way of WAYS)
      for (const right of RIGHTS) for (const absent of [true, false]) await apply(way, right, absent);
  };
  await (state === 'up' ? all() : whileDown(cluster, all));

  const ends = new Map<string, Outcome>(
    cells.map(({ name, from, expected }) => [name, expected === 'refused' ? UNTOUCHED[from] : expected]),
  );
  const actual: Record<string, Expected> = {};
  for (const [name, outcome] of await transitions.outcomes(ends))
    actual[name] = refusals.has(name) && outcome === ends.get(name) ? 'refused' : outcome;
  const expected = Object.fromEntries(cells.map((cell) => [cell.name, cell.expected]));
  const why = Object.keys(expected)
    .filter((name) => actual[name] !== expected[name])
    .map((name) => `${name}: ${refusals.get(name) ?? 'accepted'}`);
  expect(actual, why.join('\n')).toEqual(expected);
}

describe('every sync in the ways of Argo CD, by accounts with and without the right', () => {
  it('ends as the table says while Rollgate answers', () => synced('up'));

  it('ends as the table says while Rollgate is down', () => synced('down'));
});
