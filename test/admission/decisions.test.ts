import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { CONTROLLER, gateOver, liveOf, objectsIn, requestFor, validate } from '../support/gate.ts';
import {
  ROLLOUT,
  badRoute,
  goodRoute,
  midUpdate,
  one,
  rollout,
  services,
  virtualService,
} from '../support/reviews-shop.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const aborted: KubeObject = { ...rollout, status: { currentPodHash: 'b', stableRS: 'a', abort: true } };

interface Case {
  readonly name: string;
  readonly world: readonly KubeObject[];
  readonly after: KubeObject | undefined;
  readonly before: KubeObject | undefined;
  readonly policy?: Partial<Policy>;
  readonly verdict: 'allow' | 'warn' | 'deny' | 'exempt';
  readonly username?: string;
}

const INVALID: readonly Case[] = [
  {
    name: 'a Rollout is created over a VirtualService without its route',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    verdict: 'deny',
  },
  {
    name: 'a Rollout is updated to a route that is not there',
    world: [...services, badRoute],
    after: rollout,
    before: { ...rollout, spec: {} },
    verdict: 'deny',
  },
  {
    name: 'the VirtualService is created without the route',
    world: [...services, rollout],
    after: badRoute,
    before: undefined,
    verdict: 'deny',
  },
  {
    name: 'the VirtualService loses the route while nothing is under way',
    world: [...services, rollout, goodRoute],
    after: badRoute,
    before: goodRoute,
    verdict: 'warn',
  },
  {
    name: 'the same, after an abort',
    world: [...services, aborted, goodRoute],
    after: badRoute,
    before: goodRoute,
    verdict: 'warn',
  },
  {
    name: 'the same, in the middle of an update',
    world: [...services, midUpdate, goodRoute],
    after: badRoute,
    before: goodRoute,
    verdict: 'deny',
  },
  {
    name: 'the same, with crossObjectUpdates: deny',
    world: [...services, rollout, goodRoute],
    after: badRoute,
    before: goodRoute,
    policy: { crossObjectUpdates: 'deny' },
    verdict: 'deny',
  },
  {
    name: 'it was wrong before and only a label changes',
    world: [...services, rollout, badRoute],
    after: { ...badRoute, metadata: { ...badRoute.metadata, labels: { a: 'b' } } },
    before: badRoute,
    verdict: 'allow',
  },
  {
    name: 'audit mode',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    policy: { mode: 'audit' },
    verdict: 'warn',
  },
  {
    name: 'the rule is set to warn',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    policy: { rules: { 'virtualservice-route-exists': 'warn', 'virtualservice-destinations': 'off' } },
    verdict: 'warn',
  },
  {
    name: 'the rule is off',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    policy: { rules: { 'virtualservice-route-exists': 'off' } },
    verdict: 'allow',
  },
  {
    name: 'an override by namespace turns it off',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    policy: { overrides: [{ name: 'x', namespaces: ['sh*'], rules: { 'virtualservice-route-exists': 'off' } }] },
    verdict: 'allow',
  },
  {
    name: 'an exempt namespace',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    policy: { exemptions: { accounts: [], namespaces: ['shop'] } },
    verdict: 'exempt',
  },
  {
    name: 'the controller itself',
    world: [...services, badRoute],
    after: rollout,
    before: undefined,
    username: CONTROLLER,
    verdict: 'exempt',
  },
  {
    name: 'the garbage collector',
    world: [...services, rollout, goodRoute],
    after: undefined,
    before: goodRoute,
    username: 'system:serviceaccount:kube-system:generic-garbage-collector',
    verdict: 'exempt',
  },
  {
    name: 'the Rollout is being deleted',
    world: [
      ...services,
      { ...rollout, metadata: { ...rollout.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      goodRoute,
    ],
    after: badRoute,
    before: goodRoute,
    verdict: 'allow',
  },
  {
    name: 'the VirtualService is being deleted and loses its finalizer',
    world: [...services, midUpdate, goodRoute],
    after: { ...badRoute, metadata: { ...badRoute.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    before: goodRoute,
    verdict: 'exempt',
  },
  {
    name: 'the namespace terminates',
    world: [
      ...services,
      badRoute,
      one('{apiVersion: v1, kind: Namespace, metadata: {name: shop, deletionTimestamp: "2026-01-01T00:00:00Z"}}'),
    ],
    after: rollout,
    before: undefined,
    verdict: 'exempt',
  },
];

const MISSING: readonly Case[] = [
  {
    name: 'a Rollout is created before what it refers to',
    world: [],
    after: rollout,
    before: undefined,
    verdict: 'warn',
  },
  {
    name: 'a Service is deleted that a Rollout needs',
    world: [...services, rollout, goodRoute],
    after: undefined,
    before: services[0],
    verdict: 'warn',
  },
  {
    name: 'the same, with onDelete: deny',
    world: [...services, rollout, goodRoute],
    after: undefined,
    before: services[0],
    policy: { onDelete: 'deny' },
    verdict: 'deny',
  },
  {
    name: 'a Service that nobody needs is deleted',
    world: [...services, goodRoute],
    after: undefined,
    before: services[0],
    verdict: 'allow',
  },
  {
    name: 'the rule is set to deny',
    world: [],
    after: rollout,
    before: undefined,
    policy: { rules: { 'reference-exists': 'deny' } },
    verdict: 'deny',
  },
];

describe.each([
  ['invalid', INVALID],
  ['missing', MISSING],
] as const)('%s', (_, cases) => {
  it.each(cases)('$name: $verdict', async ({ world, after, before, policy, verdict, username }) => {
    const gate = gateOver(world, { policyChange: policy ?? {} });
    const request = requestFor(after, before, username === undefined ? {} : { username });
    const { response, record } = await validate(gate, request);
    expect(record.verdict).toBe(verdict);
    expect(response.allowed).toBe(verdict !== 'deny');
    expect(response.uid).toBe(request.uid);
    expect((response.warnings ?? []).length > 0).toBe(verdict === 'warn');
  });
});

describe('audit mode', () => {
  it('says what enforce mode would deny, and what it would not', async () => {
    const wouldDenied = async (policy: Partial<Policy>, world: readonly KubeObject[]): Promise<readonly string[]> => {
      const gate = gateOver(world, { policyChange: { mode: 'audit', ...policy } });
      const { record } = await validate(gate, requestFor(rollout, undefined));
      expect(record.verdict).toBe('warn');
      expect(record.messages?.length).toBeGreaterThan(0);
      return record.findings.filter(({ wouldDeny }) => wouldDeny === true).map(({ rule }) => rule);
    };
    expect(await wouldDenied({}, [...services, badRoute])).toEqual(['virtualservice-route-exists']);
    expect(await wouldDenied({ rules: { 'virtualservice-route-exists': 'warn' } }, [...services, badRoute])).toEqual(
      [],
    );
    expect(await wouldDenied({}, [])).toEqual([]);
    const enforced = await validate(gateOver([...services, badRoute]), requestFor(rollout, undefined));
    expect(enforced.record.findings.some(({ wouldDeny }) => wouldDeny === true)).toBe(false);
  });

  it('reads again from the API server what enforce mode would deny', async () => {
    const live = liveOf(() => [...services, goodRoute]);
    const gate = gateOver([...services, badRoute], { policyChange: { mode: 'audit' }, live });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('allow');
  });
});

describe('a deletion', () => {
  it('is warned about what it breaks, and not advised to create what it deletes', async () => {
    const { response } = await validate(
      gateOver([...services, rollout, goodRoute]),
      requestFor(undefined, services[0]),
    );
    expect(response.warnings).toEqual([
      `Service "reviews": deleting this breaks Rollout "reviews": stable Service "${services[0]?.metadata.name}" not found: change the Rollout too [rollgate/reference-exists]`,
    ]);
  });
});

describe('a missing object', () => {
  const warningsUnder = async (policyChange: Partial<Policy>): Promise<readonly string[]> => {
    const { response } = await validate(gateOver([], { policyChange }), requestFor(rollout, undefined));
    return response.warnings ?? [];
  };

  it('is fine if it comes with this apply, unless it will be denied once the policy enforces', async () => {
    expect(await warningsUnder({})).toEqual([expect.stringContaining('fine if they come with this apply')]);
    const denied = await warningsUnder({ mode: 'audit', rules: { 'reference-exists': 'deny' } });
    expect(denied.length).toBeGreaterThan(1);
    for (const line of denied) expect(line).toMatch(/not found.*: create it, or use the name of one that exists/);
  });
});

describe('a denial', () => {
  it('has the form that the API server gives an invalid object, with the paths of the submitted object', async () => {
    const { response } = await validate(gateOver([...services, badRoute]), requestFor(rollout, undefined));
    expect(response.status).toEqual({
      code: 422,
      reason: 'Invalid',
      message:
        'Rollout "reviews" is invalid: spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]: VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]',
      details: {
        group: 'argoproj.io',
        kind: 'Rollout',
        name: 'reviews',
        causes: [
          {
            reason: 'FieldValueInvalid',
            field: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]',
            message:
              'VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]',
          },
        ],
      },
    });
    expect(response.auditAnnotations).toMatchObject({ verdict: 'deny', rules: 'virtualservice-route-exists' });
  });

  it('names the Rollout that refers to the object, and the order of changes that works', async () => {
    const { response } = await validate(gateOver([...services, midUpdate, goodRoute]), requestFor(badRoute, goodRoute));
    expect(response.status?.details?.causes).toEqual([
      {
        reason: 'FieldValueInvalid',
        field: 'spec.http',
        message:
          'Rollout "reviews": VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first (an update of the Rollout is in progress: to change both, wait until it ends) [rollgate/virtualservice-route-exists]',
      },
    ]);
  });

  it('says nothing about an object in another namespace except that it exists', async () => {
    const foreign: KubeObject = one(ROLLOUT.replace('name: reviews, routes', 'name: reviews.mesh, routes'));
    const theirs = one(virtualService('secret-name').replace('namespace: shop', 'namespace: mesh'));
    const { response, record } = await validate(gateOver([...services, theirs]), requestFor(foreign, undefined));
    expect(record.verdict).toBe('warn');
    expect(response.warnings?.join()).toContain('"mesh/reviews" of another namespace');
    expect(response.warnings?.join()).not.toContain('secret-name');
  });

  it('becomes a warning if it is about an object in another namespace, unless the policy trusts that namespace', async () => {
    const foreign: KubeObject = {
      ...one(ROLLOUT.replace('name: reviews, routes', 'name: reviews.mesh, routes')),
      status: { currentPodHash: 'b', stableRS: 'a' },
    };
    const [good, bad] = ['primary', 'main'].map((route) =>
      one(virtualService(route).replace('namespace: shop', 'namespace: mesh')),
    );
    if (good === undefined) throw new Error('no object');
    const trusted = { ...DEFAULT_POLICY, trustedNamespaces: [{ rollouts: 'shop', objects: 'mesh' }] };
    expect((await validate(gateOver([...services, foreign, good]), requestFor(bad, good))).record.verdict).toBe('warn');
    expect(
      (await validate(gateOver([...services, foreign, good], { policy: () => trusted }), requestFor(bad, good))).record
        .verdict,
    ).toBe('deny');
  });
});

describe('an argument renamed in the template', () => {
  const bundle = (folder: string): KubeObject[] =>
    ['rollout', 'analysis', 'bookinfo'].flatMap((file) =>
      objectsIn(join(EXAMPLES, 'workloadref-skywalking', folder, `${file}.yaml`)),
    );
  const before = bundle('scaled-down');
  const template = (objects: readonly KubeObject[]): KubeObject | undefined =>
    objects.find(({ kind }) => kind === 'AnalysisTemplate');
  const renamed = template(bundle('renamed-argument'));

  it('is reported when the template is admitted, with the name that was probably meant', async () => {
    const { response, record } = await validate(gateOver(before), requestFor(renamed, template(before)));
    expect(record.verdict).toBe('warn');
    expect(response.warnings?.join()).toContain('does not supply argument "service"');
    const created = await validate(
      gateOver(before.filter(({ kind }) => kind !== 'AnalysisTemplate')),
      requestFor(renamed, undefined),
    );
    expect(created.record.verdict).toBe('deny');
    expect(created.response.status?.message).toContain('"service-name"');
  });
});

describe('a request', () => {
  it.each(['status', 'scale'])('for the subresource %s is not evaluated', async (subresource) => {
    expect(
      (await validate(gateOver([...services, badRoute]), requestFor(rollout, undefined, { subresource }))).record
        .verdict,
    ).toBe('exempt');
  });

  it('does not replace the stored status of a Rollout by a submitted one', async () => {
    const pretending: KubeObject = { ...rollout, status: { currentPodHash: 'x', stableRS: 'y' } };
    const { record } = await validate(gateOver([...services, rollout, goodRoute]), requestFor(pretending, rollout));
    expect(record.verdict).toBe('allow');
    expect(kindOf(pretending)).toBe('Rollout.argoproj.io');
  });
});
