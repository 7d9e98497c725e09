import { beforeEach, describe, expect, it } from 'vitest';
import { object, times, type Json } from '../../test/growth/objects.ts';
import { keyOf, type KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { DriftWatch } from './drift-watch.ts';
import { createLog } from './log.ts';
import type { ObjectEvent } from './object-events.ts';

const SECOND = 1_000;

let now = 0;
let world: World = storeOf([]);
let asked: string[] = [];
let told: (ObjectEvent & { readonly object: string })[] = [];
let lines: { readonly msg: string; readonly name?: string; readonly messages?: readonly string[] }[] = [];

beforeEach(() => {
  now = 0;
  asked = [];
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
  get(kind, namespace, name) {
    asked.push(`${kind} ${namespace}/${name}`);
    return world.get(kind, namespace, name);
  },
  list: (...args) => world.list(...args),
  referrers: (...args) => world.referrers(...args),
};

function driftWatch(settled = true): DriftWatch {
  return new DriftWatch(
    {
      world: behind,
      settled: () => settled,
      log: createLog('info', { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
      record: (rollout, event) => void told.push({ ...event, object: keyOf(rollout) }),
      pause: () => Promise.resolve(),
      now: () => now,
    },
    undefined,
  );
}

interface Shop {
  readonly namespace?: string;
  readonly uid?: string;
  /** The namespace of the VirtualService. */
  readonly routes?: string;
}

/** A Rollout at 20 %, and its VirtualService with that weight or another one. */
function shop(
  name: string,
  canary: number,
  { namespace = 'shop', uid = '1', routes = namespace }: Shop = {},
): KubeObject[] {
  const to = (host: string, weight: number): Json => ({ destination: { host }, weight });
  const route = [to('stable', 100 - canary), to('canary', canary)];
  const rollout = object(
    'argoproj.io/v1alpha1',
    'Rollout',
    name,
    {
      strategy: {
        canary: {
          stableService: 'stable',
          canaryService: 'canary',
          trafficRouting: { istio: { virtualService: { name: `${name}.${routes}`, routes: ['main'] } } },
        },
      },
    },
    { namespace, uid },
  );
  const weights = { canary: { weight: 20 }, stable: { weight: 80 } };
  return [
    { ...rollout, status: { currentPodHash: 'new', stableRS: 'old', canary: { weights } } },
    object(
      'networking.istio.io/v1',
      'VirtualService',
      name,
      { http: [{ name: 'main', route }] },
      { namespace: routes },
    ),
  ];
}

/** Looks every ten seconds up to a moment. */
async function until(watch: DriftWatch, seconds: number): Promise<void> {
  for (; now <= seconds * SECOND; now += 10 * SECOND) await watch.check();
}

const DRIFT = [{ what: 'weights', namespace: 'shop', count: 1 }];

describe('the watch over drift', () => {
  it('counts, logs and tells what has differed for a minute, and that it is gone', async () => {
    const watch = driftWatch();
    world = storeOf(shop('web', 50));
    await until(watch, 50);
    expect(watch.counts()).toEqual([]);
    expect([lines, told]).toEqual([[], []]);
    await until(watch, 70);
    expect(watch.counts()).toEqual(DRIFT);
    const message =
      'VirtualService "web": http route "main" has weights stable 50, canary 50, but the status of Rollout "web" has canary 20 of 100';
    expect(lines).toMatchObject([{ name: 'web', messages: [message] }]);
    expect(told).toMatchObject([{ object: 'Rollout.argoproj.io/shop/web', reason: 'DriftStands', rules: ['weights'] }]);
    expect(told[0]?.message).toContain(`${message}: find in metadata.managedFields`);
    await until(watch, 110);
    expect([lines.length, told.length]).toEqual([1, 1]);
    await until(watch, 130);
    expect([lines.length, told.length]).toEqual([1, 2]);
    world = storeOf(shop('web', 20));
    await until(watch, 180);
    expect(watch.counts()).toEqual([]);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'a value has differed from the status of its Rollout for a minute',
      'what had drifted from the status is as it was written',
    ]);
  });

  it.each([
    ['a look where it did not', [50, 20, 50]],
    ['another value', [50, 60, 50]],
  ])('begins the minute again with %s', async (_, [first = 0, then = 0, last = 0]) => {
    const watch = driftWatch();
    world = storeOf(shop('web', first));
    await until(watch, 30);
    world = storeOf(shop('web', then));
    await until(watch, 50);
    world = storeOf(shop('web', last));
    await until(watch, 100);
    expect(watch.counts()).toEqual([]);
    await until(watch, 140);
    expect(watch.counts()).toEqual(DRIFT);
  });

  it('begins the minute again with another Rollout of the name', async () => {
    const watch = driftWatch();
    world = storeOf(shop('web', 50));
    await until(watch, 50);
    world = storeOf(shop('web', 50, { uid: '2' }));
    await until(watch, 100);
    expect(watch.counts()).toEqual([]);
    await until(watch, 140);
    expect(watch.counts()).toEqual(DRIFT);
  });

  it('forgets a Rollout that is deleted', async () => {
    const watch = driftWatch();
    world = storeOf(shop('web', 50));
    await until(watch, 80);
    expect(watch.counts()).toEqual(DRIFT);
    world = storeOf([]);
    await until(watch, 110);
    expect(watch.counts()).toEqual([]);
  });

  it('tells nothing of another namespace, but counts it', async () => {
    const watch = driftWatch();
    world = storeOf(shop('web', 50, { routes: 'mesh' }));
    await until(watch, 80);
    expect(watch.counts()).toEqual(DRIFT);
    expect(told).toEqual([]);
  });

  it('looks at nothing before the cluster has been read', async () => {
    const watch = driftWatch(false);
    world = storeOf(shop('web', 50));
    await until(watch, 100);
    expect([asked, watch.counts()]).toEqual([[], []]);
  });

  it('follows no more than 200 values of a namespace, and all of others', async () => {
    const watch = driftWatch();
    world = storeOf([...times(300, (i) => shop(`web-${i}`, 50)).flat(), ...shop('web', 50, { namespace: 'other' })]);
    await until(watch, 100);
    expect(new Map(watch.counts().map(({ namespace, count }) => [namespace, count]))).toEqual(
      new Map([
        ['shop', 200],
        ['other', 1],
      ]),
    );
  });

  it('counts a hundred namespaces by name, and the others together', async () => {
    const watch = driftWatch();
    world = storeOf([
      ...times(120, (i) => shop('web', 50, { namespace: `n-${String(i).padStart(3, '0')}` })).flat(),
      ...shop('web', 50, { namespace: 'zoo' }),
      ...shop('app', 50, { namespace: 'zoo' }),
    ]);
    await until(watch, 100);
    const counts = watch.counts();
    expect(counts).toHaveLength(101);
    expect(counts[0]).toEqual({ what: 'weights', namespace: 'zoo', count: 2 });
    expect(counts.at(-1)).toEqual({ what: 'weights', namespace: '*', count: 21 });
  });

  it('looks at each Rollout once in a round, and spends no more than its share in one part', async () => {
    const watch = driftWatch();
    const wide = (i: number): KubeObject[] => {
      const [rollout, route] = shop(`web-${i}`, 20);
      const http = times(2_000, (j) => ({ name: `r-${j}` }));
      return rollout === undefined || route === undefined ? [] : [rollout, { ...route, spec: { http } }];
    };
    world = storeOf(times(60, wide).flat());
    const looked = (): number => asked.filter((question) => question.startsWith('Rollout')).length;
    await watch.check();
    expect(looked()).toBe(25);
    await watch.check();
    expect(looked()).toBe(50);
    await watch.check();
    expect(looked()).toBe(60);
    await watch.check();
    expect(looked()).toBe(60);
    now = 20 * SECOND;
    await watch.check();
    expect(looked()).toBe(85);
    expect(new Set(asked.filter((question) => question.startsWith('Rollout'))).size).toBe(60);
  });
});
