import { dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import type { Api } from '../e2e/harness/api.ts';
import { Cluster } from '../e2e/harness/cluster.ts';
import { rolloutsDefinitions, textOf } from '../e2e/harness/definitions.ts';
import { objectsOf } from '../e2e/harness/objects.ts';
import { pathOf } from '../e2e/harness/paths.ts';
import { count } from './counts.ts';
import { Kyverno, KYVERNO_RELEASE } from './kyverno.ts';
import { startOwn, type OwnServer } from './processes.ts';
import { quantile } from './statistics.ts';
import { applications, CHANGES, changeOf, type Application } from './world.ts';

/** What an apply takes, in milliseconds. */
export interface ApplyFigure {
  readonly title: string;
  readonly p50: number;
  readonly p99: number;
}

/** What applies take with the webhooks of different servers: without any first. */
export interface ApiServerFigures {
  readonly writes: number;
  readonly variants: readonly ApplyFigure[];
}

const WRITES = count(1_000, 16);
const WARM_UP = count(100, 8);
const WITHOUT = 'bench-without';
const AT_ONCE = 'bench-at-once';
const ROLLGATE = 'bench-rollgate';
const KYVERNO = 'bench-kyverno';
const TITLES: Readonly<Record<string, string>> = {
  [WITHOUT]: 'no webhook',
  [AT_ONCE]: 'a webhook that answers at once',
  [ROLLGATE]: 'Rollgate',
  [KYVERNO]: `Kyverno ${KYVERNO_RELEASE}`,
};
const SETTINGS = [
  `webhooks.excludedNamespaces={kube-system,kyverno,${WITHOUT},${AT_ONCE},${KYVERNO}}`,
  'controllers.accounts={system:serviceaccount:argo-rollouts:argo-rollouts}',
];
const WEBHOOKS = 'admissionregistration.k8s.io/v1';
const WEBHOOK_KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;

/**
 * Measures what webhooks add to an apply, in a real control plane. Each variant has a namespace, and they take turns
 * write by write. The webhook that answers at once is the bare server of the bench, with the rules of Rollgate's
 * webhooks.
 */
export async function measureApiServer(): Promise<ApiServerFigures> {
  const definitions = objectsOf(textOf(await rolloutsDefinitions()));
  const cluster = await Cluster.start({ rollgate: SETTINGS, argoRollouts: 'none', definitions });
  let bare: OwnServer | undefined;
  let kyverno: Kyverno | undefined;
  try {
    const { admin } = cluster.controlPlane;
    bare = await startOwn('bare', undefined, 0);
    for (const kind of WEBHOOK_KINDS) await admin.create(await pointedAt(bare, kind, admin));
    const [app] = applications(1);
    if (app === undefined) throw new Error('no application');
    const namespaces = [WITHOUT, AT_ONCE, ROLLGATE, KYVERNO];
    for (const namespace of namespaces) await createIn(namespace, app, cluster);
    const violations = [app.rollout, app.virtualService].map((object) => placedIn(KYVERNO, withOtherRoute(object)));
    kyverno = await Kyverno.install(cluster, KYVERNO, violations);
    const times = namespaces.map((namespace) => ({ namespace, milliseconds: [] as number[] }));
    const before = { rollgate: cluster.rollgate.decisions().length, kyverno: await kyverno.allowed() };
    for (let turn = 0; turn < WARM_UP + WRITES; turn++) {
      for (const { namespace, milliseconds } of times) {
        const begin = performance.now();
        await apply(admin, changed(app, namespace, turn));
        if (turn >= WARM_UP) milliseconds.push(performance.now() - begin);
      }
    }
    if (cluster.rollgate.decisions().length - before.rollgate < WRITES)
      throw new Error('Rollgate was not asked about all writes');
    if ((await kyverno.allowed()) - before.kyverno < WARM_UP + WRITES)
      throw new Error('Kyverno was not asked about all writes');
    return {
      writes: WRITES,
      variants: times.map(({ namespace, milliseconds }) => ({
        title: TITLES[namespace] ?? namespace,
        p50: quantile(milliseconds, 0.5),
        p99: quantile(milliseconds, 0.99),
      })),
    };
  } finally {
    bare?.stop();
    await kyverno?.stop();
    await cluster.stop();
  }
}

async function pointedAt(
  { port, certificate }: OwnServer,
  kind: (typeof WEBHOOK_KINDS)[number],
  admin: Api,
): Promise<KubeObject> {
  const [own] = (await admin.list(WEBHOOKS, kind)).filter(({ metadata }) => metadata.name === 'rollgate');
  const webhooks = own?.['webhooks'];
  if (!Array.isArray(webhooks)) throw new Error(`Rollgate has no ${kind}`);
  const clientConfig = {
    url: `https://localhost:${port}/${kind}`,
    caBundle: Buffer.from(certificate).toString('base64'),
  };
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': AT_ONCE } };
  return {
    apiVersion: WEBHOOKS,
    kind,
    metadata: { name: AT_ONCE },
    webhooks: webhooks.map((webhook: object) => ({
      ...webhook,
      name: `${String(dig(webhook, 'name'))}.bench`,
      clientConfig,
      namespaceSelector,
      failurePolicy: 'Fail',
    })),
  };
}

async function createIn(namespace: string, app: Application, cluster: Cluster): Promise<void> {
  const { admin } = cluster.controlPlane;
  await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await cluster.podsAllowed(namespace);
  for (const object of [app.stable, app.canary, app.template, app.virtualService, app.rollout])
    await apply(admin, placedIn(namespace, object));
}

function changed(app: Application, namespace: string, turn: number): KubeObject {
  const sort = CHANGES[turn % CHANGES.length];
  if (sort === undefined) throw new Error('no sort of change');
  return placedIn(namespace, changeOf(app, sort, turn + 1).after);
}

function withOtherRoute(object: KubeObject): KubeObject {
  return JSON.parse(JSON.stringify(object).replace('"primary"', '"other"')) as KubeObject;
}

function placedIn(namespace: string, { status: _, ...object }: KubeObject): KubeObject {
  return { ...object, apiVersion: object.apiVersion, kind: object.kind, metadata: { ...object.metadata, namespace } };
}

async function apply(admin: Api, object: KubeObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const path = pathOf({ apiVersion, kind, namespace: String(metadata.namespace), name: metadata.name });
  await admin.call('PATCH', `${path}?fieldManager=bench&force=true`, object, 'application/apply-patch+yaml');
}
