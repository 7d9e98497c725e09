import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asObject } from '../../src/world/read.ts';
import { Api } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene } from './harness/conversion.ts';
import { pathOf } from './harness/paths.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { refusal, tenant, whileDown, type Right, type Tenant } from './harness/tenants.ts';
import { ALL_TRANSITIONS, bounded } from './support.ts';
import { PodCounts } from './support/pod-counts.ts';
import { BACK, TABLE, UNASKED, type Change, type Expected, type Row } from './support/transition-table.ts';
import {
  at,
  imageOf,
  manifestOf,
  ownAnnotations,
  Transitions,
  UNTOUCHED,
  type Outcome,
} from './support/transitions.ts';

const MERGE = 'application/merge-patch+json';
const PROOF = ['converting', 'converted', 'updating', 'leaving', 'suspended'] as const;
const RIGHTS: readonly Right[] = ['without', 'with'];

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({
    ...policy,
    profiles: { other: { strategy: { canary: { steps: [{ setWeight: 50 }, { pause: { duration: '5m' } }] } } } },
  }));
});
afterAll(() => cluster?.stop());

interface Cell extends Row {
  readonly name: string;
  readonly right: Right;
  readonly expected: Expected;
}

function cellsOf(state: 'up' | 'down'): Cell[] {
  return TABLE.flatMap((row) =>
    RIGHTS.map((right) => ({
      ...row,
      right,
      expected: row[state][right],
      name: [row.from, row.door, row.change, right].join('-').replaceAll(' ', '-'),
    })),
  );
}

/** The annotations that a change sets, and null for those that it removes. */
function annotationsOf(
  change: Change,
  has: Readonly<Record<string, string>>,
  donor: Readonly<Record<string, string>>,
): object {
  const without = (...keys: string[]): object =>
    Object.fromEntries(Object.entries(donor).filter(([key]) => !keys.includes(key)));
  switch (change) {
    case 'touch':
      return { 'example.com/touched': 'yes' };
    case 'ask':
      return { 'rollgate.io/convert': 'canary' };
    case 'other profile':
      return { 'rollgate.io/convert': 'other' };
    case 'off':
      return { 'rollgate.io/convert': 'off' };
    case 'unask':
      return { 'rollgate.io/convert': null };
    case 'remove all':
      return Object.fromEntries(Object.keys({ ...has, ...donor }).map((key) => [key, null]));
    case 'remove proof':
      return Object.fromEntries(
        Object.keys({ ...has, ...donor })
          .filter((key) => key !== 'rollgate.io/convert')
          .map((key) => [key, null]),
      );
    case 'forge proof':
      return without('rollgate.io/rollout-uid');
    case 'forge count':
      return without('rollgate.io/rollout-uid', 'rollgate.io/convert');
    case 'forge all':
      return donor;
    case 'forge uid':
      return { 'rollgate.io/rollout-uid': 'x' };
    case 'suspend':
      return { 'rollgate.io/convert-suspended': 'refused: x' };
    case 'resume':
      return { 'rollgate.io/convert-suspended': null };
    case 'image':
    case 'count':
      return {};
  }
}

async function attempt(cell: Cell, { api }: Tenant, namespace: string, donor: Record<string, string>): Promise<string> {
  const { name, door, change } = cell;
  if (door === 'create') {
    const manifest = manifestOf(namespace, cell);
    const annotations = annotationsOf(change, {}, donor);
    return refusal(api.create({ ...manifest, metadata: { ...manifest.metadata, annotations } }));
  }
  if (change === 'count')
    return refusal(api.patch(at(namespace, name), { spec: { replicas: 2 } }, door === 'scale' ? door : ''));
  if (change === 'image') return refusal(api.patch(at(namespace, name), imageOf('web:3')));
  const has = ownAnnotations(await cluster.controlPlane.admin.get('apps/v1', 'Deployment', namespace, name));
  const patch = { metadata: { annotations: annotationsOf(change, has, donor) } };
  return refusal(api.patch(at(namespace, name), patch, door === 'update' ? '' : door));
}

// All by the user without the right, and by the one with it what ends otherwise for them.
function tryable(state: 'up' | 'down'): Cell[] {
  return cellsOf(state).filter((cell) => {
    const { without, with: expected } = cell[state];
    return ALL_TRANSITIONS || cell.right === 'without' || expected !== without;
  });
}

/** Tries cells of the table. What differs from what is expected is named in the failure. */
async function tried(state: 'up' | 'down'): Promise<void> {
  const { admin } = cluster.controlPlane;
  const scene = await ConversionScene.open(cluster);
  const { namespace } = scene;
  const tenants = {
    with: await tenant(cluster, namespace, 'with'),
    without: await tenant(cluster, namespace, 'without'),
  };
  const cells = tryable(state);
  const transitions = new Transitions(admin, namespace);
  const starts = [{ name: 'donor', from: 'converted' as const }, ...cells];
  const pods = await PodCounts.watch(admin, namespace);
  await bounded(
    starts.filter(({ from }) => from !== 'absent'),
    6,
    (start) => admin.create(manifestOf(namespace, start)),
  );
  await transitions.reach(starts);
  const donor = ownAnnotations(await scene.deployment('donor'));
  await pods.restart();
  const refusals = new Map<string, string>();
  const all = async (): Promise<void> => {
    await bounded(cells, 4, async (cell) => {
      refusals.set(cell.name, await attempt(cell, tenants[cell.right], namespace, donor));
    });
  };
  await (state === 'up' ? all() : whileDown(cluster, all));

  const expected = new Map(cells.map((cell) => [cell.name, cell.expected]));
  const ends = new Map<string, Outcome>(
    cells.map(({ name, from, expected: each }) => [name, each === 'refused' ? UNTOUCHED[from] : each]),
  );
  const reached = await transitions.outcomes(ends);
  const actual = new Map<string, Expected>();
  for (const [name, outcome] of reached)
    actual.set(name, refusals.get(name) === '' || outcome !== ends.get(name) ? outcome : 'refused');
  pods.stop();
  const why = Object.fromEntries(
    [...actual].filter(([name, outcome]) => outcome !== expected.get(name)).map(([name]) => [name, refusals.get(name)]),
  );
  expect(Object.fromEntries(actual), JSON.stringify(why, undefined, 1)).toEqual(Object.fromEntries(expected));
  expect([...refusals.values()].filter((refused) => refused !== '' && !refused.startsWith('4'))).toEqual([]);
  // Each had its pod all the time.
  expect(cells.filter(({ name, from }) => from !== 'absent' && pods.least(name) < 1).map(({ name }) => name)).toEqual(
    [],
  );
}

describe('the table of transitions', () => {
  const cells = [...cellsOf('up'), ...cellsOf('down')];

  it('refuses nobody who may create Rollouts', () => {
    expect(cells.filter(({ right, expected }) => right === 'with' && expected === 'refused')).toEqual([]);
  });

  it('lets everybody go back', () => {
    expect(cells.filter(({ change, expected }) => BACK.includes(change) && expected === 'refused')).toEqual([]);
  });

  it('never gives a Rollout to a user without the right', () => {
    expect(
      cells.filter(
        ({ from, right, expected }) =>
          right === 'without' && UNASKED.includes(from) && (expected === 'Rollout' || expected === 'both'),
      ),
    ).toEqual([]);
  });
});

describe('every transition, by users with and without the right', () => {
  it('ends as the table says while Rollgate answers', () => tried('up'));

  it('ends as the table says while Rollgate is down', () => tried('down'));
});

describe('the account of Rollgate', () => {
  it('writes counts and its annotations, and scales others only up from 0, where somebody with the right asked for a Rollout', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { admin } = cluster.controlPlane;
    const starts = [...PROOF, 'plain' as const, 'wish' as const].map((from) => ({ name: from, from }));
    await bounded(starts, 6, (start) => admin.create(manifestOf(namespace, start)));
    await new Transitions(admin, namespace).reach(starts);
    const api = new Api(await cluster.controlPlane.account(ROLLGATE));
    const tries = async (name: string): Promise<Record<string, boolean>> => {
      const path = pathOf(at(namespace, name));
      const may = async (patch: object, subresource = ''): Promise<boolean> =>
        (await refusal(api.call('PATCH', `${path}${subresource}?dryRun=All`, patch, MERGE))) === '';
      const annotate = (key: string): object => ({ metadata: { annotations: { [`rollgate.io/${key}`]: '7' } } });
      return {
        replicas: await may(annotate('replicas')),
        'rollout-uid': await may(annotate('rollout-uid')),
        convert: await may(annotate('convert')),
        'more pods': await may({ spec: { replicas: 7 } }),
        'no pods': await may({ spec: { replicas: 0 } }),
        image: await may(imageOf('web:9')),
        status: await may(annotate('replicas'), '/status'),
        scale: await may({ spec: { replicas: 7 } }, '/scale'),
        create: (await refusal(api.create(manifestOf(namespace, { name: `${name}-2`, from: 'plain' })))) === '',
      };
    };
    const nothing = { image: false, convert: false, status: false, scale: false, create: false };
    const proof = { ...nothing, replicas: true, 'rollout-uid': true, 'more pods': true, 'no pods': true };
    const none = { ...nothing, replicas: false, 'rollout-uid': false, 'more pods': false, 'no pods': false };
    const idle = manifestOf(namespace, { name: 'idle', from: 'plain' });
    await admin.create({ ...idle, spec: { ...asObject(idle['spec']), replicas: 0 } });
    // It may have lost all annotations while its Rollout runs, and then needs its pods back.
    expect(await tries('idle')).toEqual({ ...none, 'more pods': true, 'no pods': true });
    const tried = Object.fromEntries(await bounded(starts, 1, async ({ name }) => [name, await tries(name)] as const));
    expect(tried).toEqual({ ...Object.fromEntries(PROOF.map((from) => [from, proof])), plain: none, wish: none });
  });
});
