import { asArray, dig, asString } from '../../../src/world/read.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import { Refused, type Api } from '../harness/api.ts';
import type { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';

/**
 * The outcome of a Rollout on the real controller: it was marked InvalidSpec, the controller fails repeatedly, or it
 * runs.
 */
export interface Outcome {
  readonly kind: 'InvalidSpec' | 'fails' | 'runs';
  readonly message: string;
}

/** Objects as the API server stored them, and its messages about rejected ones, by key. */
export interface Stored {
  readonly objects: readonly KubeObject[];
  readonly refused: ReadonlyMap<string, string>;
}

// Referenced objects are created before the objects that refer to them.
const LAST = ['Rollout', 'Experiment'];

/** Creates objects, and the namespaces that they need. */
export async function store(api: Api, objects: readonly KubeObject[]): Promise<Stored> {
  const written = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
  const namespaces = new Set(
    objects.map(namespaceOf).filter((name) => name !== '' && name !== 'default' && !written.includes(name)),
  );
  const order = (kind: string): number => (kind === 'Namespace' ? -2 : LAST.indexOf(kind));
  const ordered = objects.toSorted((a, b) => order(a.kind) - order(b.kind));
  const stored: KubeObject[] = [];
  const refused = new Map<string, string>();
  for (const object of [
    ...[...namespaces].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...ordered,
  ]) {
    try {
      stored.push(await api.create(object));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.set(
        keyOf(object),
        error.code === 404 ? `this cluster has no ${object.kind}` : asString(dig(error.body, 'message')),
      );
    }
  }
  return { objects: stored, refused };
}

// All Rollouts are created at once, and the controller retries failures with growing delays.
const QUIET = 12_000;

/**
 * Waits until no outcome has changed for a while, and returns the outcomes of all Rollouts by key. The controller
 * reconciles every Rollout twice, because it notices some effects on routes only the second time.
 */
export async function outcomes(cluster: Cluster): Promise<ReadonlyMap<string, Outcome>> {
  await settled(cluster);
  await cluster.admin.run(['annotate', 'rollouts', '--all', '--all-namespaces', 'example.com/look=again']);
  return settled(cluster);
}

async function settled(cluster: Cluster): Promise<ReadonlyMap<string, Outcome>> {
  let seen = '';
  let since = Date.now();
  return until(
    'the controller to make up its mind about every Rollout',
    async () => {
      const rollouts = await cluster.controlPlane.admin.list('argoproj.io/v1alpha1', 'Rollout');
      const errors = errorsIn(cluster.argo.program.output());
      const found = rollouts.map((rollout) => [keyOf(rollout), outcomeOf(rollout, errors)] as const);
      const told = JSON.stringify(found.map(([key, outcome]) => [key, outcome?.kind]));
      const undecided = found.filter(([, outcome]) => outcome === undefined).map(([key]) => key);
      if (told !== seen || undecided.length > 0) since = Date.now();
      seen = told;
      if (undecided.length > 0) throw new Error(`nothing yet about ${undecided.slice(0, 20).join(', ')}`);
      return Date.now() - since >= QUIET
        ? new Map(found.flatMap(([key, outcome]) => (outcome === undefined ? [] : [[key, outcome]])))
        : undefined;
    },
    { within: 300_000, every: 500 },
  );
}

/**
 * Returns the outcome of a Rollout, or undefined if it is still open.
 *
 * @param errors - The last logged error of each Rollout, by namespace and name.
 */
function outcomeOf(rollout: KubeObject, errors: ReadonlyMap<string, string>): Outcome | undefined {
  const status = rollout['status'];
  const invalid = asArray(dig(status, 'conditions')).find(
    (condition) => dig(condition, 'type') === 'InvalidSpec' && dig(condition, 'status') === 'True',
  );
  if (invalid !== undefined) return { kind: 'InvalidSpec', message: asString(dig(invalid, 'message')) };
  const phase = asString(dig(status, 'phase'));
  const current =
    phase !== '' && asString(dig(status, 'observedGeneration')) === String(rollout.metadata['generation']);
  const error = errors.get(`${namespaceOf(rollout)}/${rollout.metadata.name}`);
  if (error !== undefined && /plugin .* not configured/.test(error))
    return { kind: 'runs', message: 'its plugin is not installed here' };
  if (error === undefined || phase === 'Healthy') return current ? { kind: 'runs', message: '' } : undefined;
  return { kind: 'fails', message: error };
}

// One or two errors may come from a stale cache.
const ATTEMPTS = 3;
// The controller does not try again what the API server answers with 404, so how often it fails at a kind that this
// cluster does not have depends on chance. Source: Argo Rollouts v1.9.1, utils/controller (processNextWorkItem).
const NO_SUCH_KIND = 'could not find the requested resource';

function errorsIn(log: string): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  const times = new Map<string, number>();
  for (const line of log.split('\n')) {
    if (!line.includes('level=error')) continue;
    const [, message] = /msg="rollout syncHandler error: ((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
    const [namespace, rollout] = [/ namespace=(\S+)/.exec(line)?.[1], / rollout=(\S+)/.exec(line)?.[1]];
    // A conflict with another write; the next attempt succeeds.
    if (
      namespace === undefined ||
      rollout === undefined ||
      message === undefined ||
      message.includes('the object has been modified')
    )
      continue;
    const key = `${namespace}/${rollout}`;
    const count = (times.get(key) ?? 0) + 1;
    times.set(key, count);
    if (count >= ATTEMPTS || message.includes(NO_SUCH_KIND)) errors.set(key, message.replaceAll('\\"', '"'));
  }
  return errors;
}

const GROWN = 300_000_000;

/**
 * Asserts that an action crashes the controller, or makes its memory grow without limit. The controller is stopped
 * before it uses all memory.
 */
export async function doesNotSurvive(cluster: Cluster, cause: () => Promise<unknown>): Promise<void> {
  const { program } = cluster.argo;
  const port = program.argument('metricsPort');
  const resident = async (): Promise<number> =>
    Number(
      /^process_resident_memory_bytes (\S+)$/m.exec(
        await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      )?.[1],
    );
  const before = await resident();
  try {
    await cause();
    await until('the end of the controller', async () => !program.running || (await resident()) > before + GROWN, {
      within: 120_000,
    });
  } finally {
    await program.stop('SIGKILL');
  }
}
