import { stringify } from 'yaml';
import type { Example, Rule } from '../../../src/rules/define.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { yamlOf, type Printed } from '../harness/kubectl.ts';
import { objectsOf } from '../harness/objects.ts';
import { pathOf } from '../harness/paths.ts';
import { until } from '../harness/program.ts';
import { bareRollout, expectedReaction, type Door, type Pair } from './doors.ts';
import { applyUntil, createAll, reactionIn, removeObject } from './people.ts';

/** The result of applying an object through a door. */
export interface Arrival {
  readonly printed: Printed;
  /** The setup objects that the API server itself rejected, with its messages, by key. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Returns a referenced object as it was before it became invalid.
 *
 * @throws Error - If the example changes nothing in it.
 */
export function validVersion(referenced: KubeObject, { before: edits = [] }: Example): KubeObject {
  const right = edits.reduce((yaml, [wrong, other]) => yaml.replace(wrong, other), stringify(referenced));
  const [object] = objectsOf(right);
  if (object === undefined || right === stringify(referenced))
    throw new Error(`the case changes nothing in ${keyOf(referenced)}`);
  return object;
}

/**
 * Sets up a pair as a door requires, and applies the object that completes the conflict as the developer.
 *
 * @param which - The example of the rule, for doors at which the referenced object was valid before.
 */
export async function applyAtDoor(
  cluster: Cluster,
  pair: Pair,
  rule: Rule,
  door: Door,
  which?: Example,
): Promise<Arrival> {
  const { referrer, referenced, others } = pair;
  const expected = expectedReaction(pair, door);
  const apply = (object: KubeObject, undo: () => Promise<unknown>): Promise<Printed> =>
    applyUntil(cluster, object, rule.id, expected, undo);
  if (door.startsWith('referrer')) {
    const refused = await createAll(cluster, [...others, ...(referenced === undefined ? [] : [referenced])], referrer);
    if (door === 'referrer last')
      return { refused, printed: await apply(referrer, () => removeObject(cluster, referrer)) };
    const restore = applier(cluster, bareRollout(pair, rule));
    await restore();
    if (door.endsWith('update under way')) await startUpdate(cluster, referrer);
    return { refused, printed: await apply(referrer, restore) };
  }
  if (referenced === undefined) throw new Error('nothing is referred to');
  const refused = await createAll(cluster, [...others, referrer], referenced);
  if (door === 'referenced last, the Rollout being deleted') await startDeletion(cluster, referrer);
  if (door.startsWith('referenced last'))
    return { refused, printed: await apply(referenced, () => removeObject(cluster, referenced)) };
  const restore = applier(cluster, which === undefined ? undefined : validVersion(referenced, which));
  await restore();
  if (door === 'referenced changed, update under way') await startUpdate(cluster, referrer);
  return { refused, printed: await apply(referenced, restore) };
}

// Uses apply, so that the next apply changes the object.
function applier(cluster: Cluster, object: KubeObject | undefined): () => Promise<unknown> {
  if (object === undefined) throw new Error('there is no valid version');
  return () => cluster.admin.run(['apply', '-f', '-'], yamlOf([object]));
}

/** Sets the status of a Rollout to an update in progress. */
export async function startUpdate(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const at = { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
  await cluster.controlPlane.admin.patch(
    at,
    { status: { currentPodHash: '5d9c8f7b6d', stableRS: '7d8f9c6b5f' } },
    'status',
  );
}

/** Creates a pair with a valid referenced object, and deletes that object as the developer. */
export async function deleteReferenced(
  cluster: Cluster,
  { referrer, referenced, others }: Pair,
  which: Example,
): Promise<Printed> {
  if (referenced === undefined) throw new Error('nothing is referred to');
  await createAll(cluster, [...others, referrer, validVersion(referenced, which)], referenced);
  const { kind, metadata } = referenced;
  const remove = (...args: readonly string[]): Promise<Printed> =>
    cluster.developer.try(['delete', kind, metadata.name, '--namespace', namespaceOf(referenced), ...args]);
  // Rollgate learns of the referrer by a watch. After the timeout, the test reads what the deletion printed.
  const isKnown = async (): Promise<boolean> =>
    reactionIn(await remove('--dry-run=server'), 'reference-exists') === 'warned';
  await until('the referrer to be known', isKnown, { within: 20_000, every: 500 }).catch(() => undefined);
  return remove('--wait=false');
}

/** Deletes a Rollout, which stays because of a finalizer. */
async function startDeletion(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const at = { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
  await cluster.controlPlane.admin.patch(at, { metadata: { finalizers: ['example.com/still-to-do'] } });
  await cluster.controlPlane.admin.call('DELETE', pathOf(at));
}

/** Edits and deletes objects that are already invalid, as the developer. Returns the output of each step. */
export async function editAndDelete(
  cluster: Cluster,
  { referrer, referenced }: Pair,
): Promise<ReadonlyMap<string, Printed>> {
  const printed = new Map<string, Printed>();
  const does = async (
    what: string,
    verb: string,
    { kind, metadata }: KubeObject,
    ...args: readonly string[]
  ): Promise<void> => {
    printed.set(
      what,
      await cluster.developer.try([
        verb,
        kind,
        metadata.name,
        '--namespace',
        namespaceOf({ ...referrer, metadata }),
        ...args,
      ]),
    );
  };
  const edit = (object: KubeObject, word: string): readonly string[] => [
    '--type=merge',
    '-p',
    JSON.stringify({
      metadata: { labels: { edited: word } },
      ...(object.kind === 'Rollout' ? { spec: { revisionHistoryLimit: word.length } } : {}),
    }),
  ];
  await does('the referrer is edited', 'patch', referrer, ...edit(referrer, 'once'));
  if (referenced !== undefined)
    await does('the referenced is edited', 'patch', referenced, ...edit(referenced, 'once'));
  if (referrer.kind === 'Rollout') {
    await startUpdate(cluster, referrer);
    await does('the Rollout is edited, an update under way', 'patch', referrer, ...edit(referrer, 'twice'));
    if (referenced !== undefined)
      await does('the referenced is edited, an update under way', 'patch', referenced, ...edit(referenced, 'twice'));
  }
  if (referenced !== undefined) await does('the referenced is deleted', 'delete', referenced, '--wait=false');
  await does('the referrer is deleted', 'delete', referrer, '--wait=false');
  return printed;
}
