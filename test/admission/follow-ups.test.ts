import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { FollowUps } from '../../src/server/follow-ups.ts';
import { createLog } from '../../src/server/log.ts';
import type { ObjectEvent } from '../../src/server/object-events.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import type { World } from '../../src/world/world.ts';
import { gateOver, requestFor, validate } from '../support/gate.ts';
import { badRoute, goodRoute, rollout, ROLLOUT, one, services, virtualService } from '../support/reviews-shop.ts';

const MINUTE = 60_000;

let now = 0;
let world: World = storeOf([]);
let policy: Policy = DEFAULT_POLICY;
let told: (ObjectEvent & { readonly object: string })[] = [];
let lines: Record<string, unknown>[] = [];

beforeEach(() => {
  now = 0;
  policy = DEFAULT_POLICY;
  told = [];
  lines = [];
});

const behind: World = {
  get versions() {
    return world.versions;
  },
  get fields() {
    return world.fields;
  },
  get: (...args) => world.get(...args),
  list: (...args) => world.list(...args),
  referrers: (...args) => world.referrers(...args),
};

function followUps(): FollowUps {
  return new FollowUps(
    {
      world: behind,
      rules: RULES,
      policy: () => policy,
      log: createLog('info', { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }),
      record: (object, event) => void told.push({ ...event, object: keyOf(object) }),
      pause: () => Promise.resolve(),
      now: () => now,
    },
    undefined,
  );
}

/** Writes a Rollout as Flux does, over objects. */
async function write(followed: FollowUps, objects: readonly KubeObject[], object: KubeObject = rollout): Promise<void> {
  const before: KubeObject = { ...object, spec: {} };
  const gate = gateOver([...objects, before], { tolerated: (subject, findings) => followed.add(subject, findings) });
  const { response } = await validate(gate, requestFor(object, before, { fieldManager: 'kustomize-controller' }));
  expect(response.allowed).toBe(true);
}

describe('a contradiction that a reconciler wrote', () => {
  it('is forgotten if the other object came within a minute', async () => {
    const followed = followUps();
    await write(followed, [...services, badRoute]);
    expect(followed.size).toBe(1);
    world = storeOf([...services, rollout, goodRoute]);
    now = MINUTE - 1;
    await followed.check();
    expect(followed.size).toBe(1);
    now = MINUTE;
    await followed.check();
    expect([followed.size, followed.standing, told, lines]).toEqual([0, 0, [], []]);
  });

  it('is logged, counted and told if it stands after a minute, until it is fixed', async () => {
    const followed = followUps();
    await write(followed, [...services, badRoute]);
    world = storeOf([...services, rollout, badRoute]);
    for (now = MINUTE; now <= 3 * MINUTE; now += MINUTE) await followed.check();
    expect(followed.standing).toBe(1);
    expect(told).toHaveLength(3);
    expect(told[0]).toEqual({
      object: keyOf(rollout),
      reason: 'ContradictionStands',
      rules: ['virtualservice-route-exists'],
      message:
        'Rollout "reviews": VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]',
    });
    expect(lines).toMatchObject([{ level: 'warn', msg: 'a contradiction that a reconciler wrote still stands' }]);
    world = storeOf([...services, rollout, goodRoute]);
    now += MINUTE;
    await followed.check();
    expect([followed.size, followed.standing, lines.at(-1)?.['msg']]).toEqual([
      0,
      0,
      'a contradiction that a reconciler wrote is fixed',
    ]);
  });

  it.each([
    ['gone', (): KubeObject[] => [...services, badRoute]],
    [
      'another one',
      (): KubeObject[] => [...services, badRoute, { ...rollout, metadata: { ...rollout.metadata, uid: 'b' } }],
    ],
    [
      'being deleted',
      (): KubeObject[] => [
        ...services,
        badRoute,
        { ...rollout, metadata: { ...rollout.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      ],
    ],
  ])('is forgotten if its Rollout is %s', async (_, objects) => {
    const followed = followUps();
    await write(followed, [...services, badRoute]);
    world = storeOf(objects());
    now = MINUTE;
    await followed.check();
    expect([followed.size, told]).toEqual([0, []]);
  });

  it('is not told once the policy only warns about it', async () => {
    const followed = followUps();
    await write(followed, [...services, badRoute]);
    world = storeOf([...services, rollout, badRoute]);
    policy = { ...DEFAULT_POLICY, rules: { 'virtualservice-route-exists': 'warn' } };
    now = MINUTE;
    await followed.check();
    expect(told).toEqual([]);
  });

  it('waits while the cache does not know', async () => {
    const followed = followUps();
    await write(followed, [...services, badRoute]);
    const unknown = { state: 'unknown', reason: 'not read yet' } as const;
    world = {
      ...storeOf([]),
      versions: storeOf([]).versions,
      get: () => unknown,
      list: () => unknown,
      referrers: () => [],
    };
    now = MINUTE;
    await followed.check();
    expect([followed.size, told]).toEqual([1, []]);
  });

  it('is not followed up across namespaces, where it is a warning for everybody and tells existence only', async () => {
    const foreign = one(ROLLOUT.replace('name: reviews, routes', 'name: reviews.mesh, routes'));
    const theirs = one(virtualService('secret-name').replace('namespace: shop', 'namespace: mesh'));
    const before: KubeObject = { ...foreign, spec: {} };
    const followed = followUps();
    const gate = gateOver([...services, theirs, before], {
      mayGet: () => Promise.resolve(true),
      tolerated: (subject, findings) => followed.add(subject, findings),
    });
    const { response } = await validate(gate, requestFor(foreign, before, { fieldManager: 'kustomize-controller' }));
    expect(response.warnings?.join()).toContain('"mesh/reviews" of another namespace');
    expect([followed.size, JSON.stringify(response).includes('secret-name')]).toEqual([0, false]);
  });

  it('of a namespace that writes many crowds out none of another, and checks are limited in number', async () => {
    const followed = followUps();
    const named = (name: string, namespace: string): KubeObject => ({
      ...rollout,
      metadata: { name, namespace, uid: name },
    });
    const findings = await contradictions();
    for (let index = 0; index < 2_000; index++) followed.add(named(`flood-${index}`, 'flood'), findings);
    followed.add(named('web', 'quiet'), findings);
    for (let index = 0; index < 2_000; index++) followed.add(named(`flood2-${index}`, 'flood'), findings);
    expect([followed.size, followed.dropped]).toEqual([500, 3_501]);
    const looked: string[] = [];
    world = {
      ...storeOf([]),
      versions: storeOf([]).versions,
      get: (kind, namespace) => {
        looked.push(namespace);
        return { state: 'unknown', reason: kind };
      },
      list: () => ({ state: 'unknown', reason: '' }),
      referrers: () => [],
    };
    now = MINUTE;
    await followed.check();
    expect(looked).toHaveLength(10);
    expect(looked).toContain('quiet');
  });
});

async function contradictions(): Promise<Parameters<FollowUps['add']>[1]> {
  const found: Parameters<FollowUps['add']>[1][number][] = [];
  const before: KubeObject = { ...rollout, spec: {} };
  const gate = gateOver([...services, badRoute, before], { tolerated: (_, findings) => void found.push(...findings) });
  await validate(gate, requestFor(rollout, before, { fieldManager: 'kustomize-controller' }));
  return found;
}
