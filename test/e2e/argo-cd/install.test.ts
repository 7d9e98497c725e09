import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHART } from '../../../scripts/helm.ts';
import { invalidRollout } from '../../../src/commands/self-test.ts';
import type { Application } from '../harness/argo-cd/application.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import type { GitRepository } from '../harness/argo-cd/git-repository.ts';
import { caBundles } from '../harness/ca-bundles.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { ROLLGATE } from '../harness/rollgate.ts';
import { MODES, retry, slugOf, type Mode } from '../support/argo-cd/modes.ts';

// Rollgate keeps its own certificate here, so it writes `caBundle` itself.
const SETTINGS = ['certificates.mode=self'];
const FOLDER = basename(CHART);

let cluster: Cluster;
let argoCd: ArgoCd;
let repository: GitRepository;
let namespace: string;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: SETTINGS });
  argoCd = await ArgoCd.install(cluster.controlPlane, cluster.admin);
  repository = await argoCd.repository('rollgate');
  const files = globSync('**/*', { cwd: CHART, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [join(FOLDER, path.slice(CHART.length)), readFileSync(path, 'utf8')] as const;
  });
  await repository.commit(Object.fromEntries(texts), 'the chart');
  namespace = await cluster.namespace('shop');
});
afterAll(async () => {
  await argoCd?.stop();
  await cluster?.stop();
});

/** Creates an Application that installs Rollgate with the values that the harness has installed it with. */
function install({ annotations, syncOptions }: Omit<Mode, 'name'>, name: string): Promise<Application> {
  const settings = cluster.rollgate.values.filter((value) => value !== '--set').map((setting) => setting.split('=', 2));
  return argoCd.application(name, {
    repository,
    path: FOLDER,
    helm: { releaseName: ROLLGATE.name, parameters: settings.map(([key, value]) => ({ name: key, value })) },
    namespace: ROLLGATE.namespace,
    annotations,
    syncPolicy: { automated: { selfHeal: true }, syncOptions, retry: retry(3) },
  });
}

const bundles = (): Promise<string[]> => caBundles(cluster.controlPlane.admin);

async function denies(): Promise<boolean> {
  const { code } = await cluster.developer.try(['apply', '-f', '-'], JSON.stringify(invalidRollout(namespace)));
  return code !== 0;
}

it.each(MODES)('an Application with $name that installs Rollgate is Synced, and caBundle is no drift', async (mode) => {
  const before = await bundles();
  expect(before).not.toContain('');
  const application = await install(mode, `rollgate-${slugOf(mode)}`);
  try {
    // The objects are there already, so Argo CD may find nothing to do.
    await application.shows('is compared', ({ sync }) => sync !== '');
    await application.sync();
    await application.shows(
      'is synced',
      ({ sync, phase, conditions }) => sync === 'Synced' && phase === 'Succeeded' && conditions.length === 0,
    );
    expect(await bundles()).toEqual(before);
    expect(await denies()).toBe(true);
  } finally {
    await application.remove();
  }
});

it('Replace=true wipes caBundle, and Rollgate writes it again', async () => {
  const wiped = async (): Promise<boolean> => (await bundles()).includes('');
  await cluster.rollgate.program.stop('SIGTERM');
  const application = await install({ annotations: {}, syncOptions: ['Replace=true'] }, 'rollgate-replace');
  try {
    await application.shows('is compared', ({ sync }) => sync !== '');
    await application.sync();
    await until('caBundle to be wiped', wiped, { within: 120_000 });
  } finally {
    await cluster.rollgate.start();
  }
  await until('caBundle again', async () => !(await wiped()));
  await until('a denial', denies);
  await application.remove();
});
