import { stringify } from 'yaml';
import type { Example, Rule } from '../../../src/rules/define.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { yamlOf, type Printed } from '../harness/kubectl.ts';
import { objectsOf } from '../harness/objects.ts';
import { pathOf } from '../harness/paths.ts';
import { bare, decided, type Door, type Pair } from './doors.ts';
import { applies, wasNeverThere, wereThere } from './people.ts';

/** What came of one object that came through a door. */
export interface Arrival {
  readonly printed: Printed;
  /** What the API server itself refused of what was to be there before, by key. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Returns a referenced object as it was before it went wrong.
 *
 * @throws Error if the example changes nothing in it.
 */
export function before(referenced: KubeObject, { before: edits = [] }: Example): KubeObject {
  const right = edits.reduce((yaml, [wrong, other]) => yaml.replace(wrong, other), stringify(referenced));
  const [object] = objectsOf(right);
  if (object === undefined || right === stringify(referenced))
    throw new Error(`nothing is other in ${keyOf(referenced)}`);
  return object;
}

/**
 * In: a cluster, a pair, the rule that finds it, a door, and the example where the referenced object is to have been
 * right. Out: what was printed when the developer applied what completes the pair.
 */
export async function comesThrough(
  cluster: Cluster,
  pair: Pair,
  rule: Rule,
  door: Door,
  which?: Example,
): Promise<Arrival> {
  const { referrer, referenced, others } = pair;
  const expected = decided(pair, door);
  const arrives = (object: KubeObject, undo: () => Promise<unknown>): Promise<Printed> =>
    applies(cluster, object, rule.id, expected, undo);
  if (door.startsWith('referrer')) {
    const refused = await wereThere(cluster, [...others, ...(referenced === undefined ? [] : [referenced])], referrer);
    if (door === 'referrer last')
      return { refused, printed: await arrives(referrer, () => wasNeverThere(cluster, referrer)) };
    const wasRight = existed(cluster, bare(pair, rule));
    await wasRight();
    if (door.endsWith('update under way')) await underWay(cluster, referrer);
    return { refused, printed: await arrives(referrer, wasRight) };
  }
  if (referenced === undefined) throw new Error('nothing is referred to');
  const refused = await wereThere(cluster, [...others, referrer], referenced);
  if (door === 'referenced last, the Rollout being deleted') await isBeingDeleted(cluster, referrer);
  if (door.startsWith('referenced last'))
    return { refused, printed: await arrives(referenced, () => wasNeverThere(cluster, referenced)) };
  const wasRight = existed(cluster, which === undefined ? undefined : before(referenced, which));
  await wasRight();
  if (door === 'referenced changed, update under way') await underWay(cluster, referrer);
  return { refused, printed: await arrives(referenced, wasRight) };
}

// Applied, so that what is applied next is a change of it.
function existed(cluster: Cluster, object: KubeObject | undefined): () => Promise<unknown> {
  if (object === undefined) throw new Error('it was never right');
  return () => cluster.admin.run(['apply', '-f', '-'], yamlOf([object]));
}

/** In: a cluster, and a Rollout that is there. Has an update of it under way, as its status says. */
export async function underWay(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const at = { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
  await cluster.controlPlane.admin.patch(
    at,
    { status: { currentPodHash: '5d9c8f7b6d', stableRS: '7d8f9c6b5f' } },
    'status',
  );
}

/**
 * In: a cluster, a pair, and its example. Out: what was printed when the developer deleted the object that was right and
 * is referred to.
 */
export async function isDeleted(
  cluster: Cluster,
  { referrer, referenced, others }: Pair,
  which: Example,
): Promise<Printed> {
  if (referenced === undefined) throw new Error('nothing is referred to');
  await wereThere(cluster, [...others, referrer, before(referenced, which)], referenced);
  const { kind, metadata } = referenced;
  return cluster.developer.try(['delete', kind, metadata.name, '--namespace', namespaceOf(referenced), '--wait=false']);
}

/**
 * In: a cluster, and a Rollout that is there. Deletes it; it stays, as something is still to be done before it can go.
 */
async function isBeingDeleted(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const at = { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name };
  await cluster.controlPlane.admin.patch(at, { metadata: { finalizers: ['example.com/still-to-do'] } });
  await cluster.controlPlane.admin.call('DELETE', pathOf(at));
}

/** What a developer does to objects that are wrong already, one thing after the other, and what was printed. */
export async function livesWith(
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
    await underWay(cluster, referrer);
    await does('the Rollout is edited, an update under way', 'patch', referrer, ...edit(referrer, 'twice'));
    if (referenced !== undefined)
      await does('the referenced is edited, an update under way', 'patch', referenced, ...edit(referenced, 'twice'));
  }
  if (referenced !== undefined) await does('the referenced is deleted', 'delete', referenced, '--wait=false');
  await does('the referrer is deleted', 'delete', referrer, '--wait=false');
  return printed;
}
