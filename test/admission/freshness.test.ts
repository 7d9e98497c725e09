import { describe, expect, it } from 'vitest';
import type { ApiReader } from '../../src/admission/live-reads.ts';
import { listIn, type KubeObject } from '../../src/world/object.ts';
import { gateOver, liveOf, requestFor, validate, UNREADABLE } from '../support/gate.ts';
import { badRoute, goodRoute, rollout, services } from '../support/reviews-shop.ts';

describe('a stale cache', () => {
  it('does not deny a change that the live objects allow', async () => {
    const gate = gateOver([...services, badRoute], { live: liveOf(() => [...services, goodRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('allow');
  });

  it('does not report objects as missing that exist', async () => {
    const gate = gateOver([], { live: liveOf(() => [...services, goodRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('allow');
  });

  it('does not hide problems of objects that it does not have yet', async () => {
    const gate = gateOver([], { live: liveOf(() => [...services, badRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('deny');
  });

  it('leads to a warning if the live objects cannot be read in time', async () => {
    expect(
      (await validate(gateOver([...services, badRoute], { live: UNREADABLE }), requestFor(rollout, undefined))).record
        .verdict,
    ).toBe('warn');
  });

  it('does not prevent a denial that depends on no other object', async () => {
    const broken: KubeObject = { ...rollout, spec: { ...(rollout['spec'] as object), strategy: {} } };
    expect((await validate(gateOver([], { live: UNREADABLE }), requestFor(broken, undefined))).record.verdict).toBe(
      'deny',
    );
  });
});

describe('a Rollout whose routes send to subsets in many namespaces', () => {
  const destination = (host: string): unknown => ({ destination: { host, subset: 'canary' } });
  const setUp = (hosts: readonly string[]): readonly [KubeObject, ...KubeObject[]] => [
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: {
        strategy: {
          canary: {
            trafficRouting: {
              istio: {
                virtualService: { name: 'reviews', routes: ['main'] },
                destinationRule: { name: 'reviews', stableSubsetName: 'stable', canarySubsetName: 'canary' },
              },
            },
          },
        },
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: { host: 'reviews', subsets: [{ name: 'stable' }, { name: 'canary' }] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: {
        http: [
          {
            name: 'main',
            route: [{ destination: { host: 'reviews', subset: 'stable' } }, ...hosts.map(destination)],
          },
        ],
      },
    },
  ];
  const foreign = Array.from({ length: 12 }, (_, index) => `ratings.far-${index}.svc.cluster.local`);
  // As the cluster reads: the first eight lists, those of the namespace of the request before others.
  const eight = (objects: readonly KubeObject[]): ApiReader => {
    const live = liveOf(() => objects);
    return {
      ...live,
      list: async (keys, deadline, namespace) => {
        const own = keys.filter((key) => listIn(key)?.namespace === namespace);
        const read = new Set([...own, ...keys.filter((key) => !own.includes(key))].slice(0, 8));
        const answers = await live.list(keys, deadline, namespace);
        return new Map([...answers].map(([key, list]) => [key, read.has(key) ? list : 'unreadable']));
      },
    };
  };
  const answerTo = async (hosts: readonly string[]) => {
    const [subject, ...others] = setUp(hosts);
    const gate = gateOver(others, { live: eight([subject, ...others]) });
    const { record, response } = await validate(gate, requestFor(subject, undefined));
    const decisions = record.findings.filter(({ rule }) => rule === 'destinationrule-subsets');
    return {
      denied: decisions.filter(({ decision }) => decision === 'deny').length,
      warned: decisions.filter(({ decision }) => decision === 'warn').length,
      unconfirmed: (response.warnings ?? []).filter((warning) => warning.includes('were not read')),
    };
  };

  it('is denied for what its own namespace shows, wherever the other routes send to', async () => {
    // Shop and seven others are read.
    expect(await answerTo([...foreign, 'details'])).toEqual({
      denied: 8,
      warned: 5,
      unconfirmed: [
        'Rollout "reviews": 5 findings are only a warning, because DestinationRules of 5 namespaces were not read: run rollgate scan to check them [rollgate/destinationrule-subsets]',
      ],
    });
  });

  it('says nothing of this where all is read', async () => {
    expect(await answerTo([...foreign.slice(0, 7), 'details'])).toEqual({ denied: 8, warned: 0, unconfirmed: [] });
  });
});
