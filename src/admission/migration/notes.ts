import { adviceFor } from '../../migration/advice.ts';
import { CONVERT, MIGRATION_RULE, migrationAnnotationsOf } from '../../migration/annotations.ts';
import { rolloutOf, type DeploymentChange, type Migration } from '../../migration/plan.ts';
import type { KubeObject } from '../../world/object.ts';
import { dig } from '../../world/read.ts';
import type { World } from '../../world/world.ts';
import { nameOf, ruleTag } from '../attribution.ts';

// In a warning, lines about another object begin with that object, and so do those of `adviceFor`.
const BEGINS_WITH_OBJECT = /^[A-Z][A-Za-z]+ "/;

/** Returns a line about a Deployment and its conversion as a warning. */
export function note(deployment: KubeObject, text: string): string {
  return `${BEGINS_WITH_OBJECT.test(text) ? text : `${nameOf(deployment)}: ${text}`} ${ruleTag(MIGRATION_RULE)}`;
}

/** Returns how many pods there are, in words. */
export function pods(replicas: number): string {
  return replicas === 1 ? '1 pod' : `${replicas} pods`;
}

/**
 * Returns what the user is told when a Deployment begins to be converted, or takes another profile.
 *
 * @param atZero - Whether the Deployment is stored at 0 replicas.
 */
export function beginningNotes(
  { before, after }: DeploymentChange,
  { rollout, profile, replicas, existing }: Migration,
  atZero: boolean,
  world: World,
): string[] {
  const { name } = rollout.metadata;
  const what =
    existing === undefined
      ? `${nameOf(after)} becomes Rollout "${name}" with ${pods(replicas)} (profile ${profile})`
      : `Rollout "${name}" changes to profile ${profile}`;
  const healthy = atZero ? [`shows as Healthy at 0 replicas even if its pods fail: watch Rollout "${name}"`] : [];
  const waiting =
    before === undefined && !atZero
      ? [`keeps its own pods until Rollout "${name}" is healthy, which needs objects that do not exist yet`]
      : [];
  return [what, ...healthy, ...waiting, ...adviceFor(after, name, world, { covered: 'rules' })].map((text) =>
    note(after, text),
  );
}

/**
 * Returns what the user is told when a Deployment is written that is converted, or on its way there or back.
 *
 * @param before - As stored.
 * @param after - As it will be stored.
 */
export function continuingNotes(before: KubeObject, after: KubeObject, atZero: boolean, world: World): string[] {
  const annotations = migrationAnnotationsOf(after);
  const name = rolloutOf(after, '', world)?.metadata.name;
  const rollout = name === undefined ? 'its Rollout' : `Rollout "${name}"`;
  if (annotations.profile === undefined)
    return migrationAnnotationsOf(before).profile === undefined
      ? []
      : [
          note(
            after,
            `becomes a plain Deployment again: ${rollout} is deleted once the pods of the Deployment serve traffic${ifUnmeant(before, after)}`,
          ),
        ];
  if (annotations.suspended !== undefined)
    return [note(after, `its conversion is suspended: ${annotations.suspended}`)];
  const known = new Set(adviceFor(before, name ?? '', world, { covered: 'rules' }));
  const news = adviceFor(after, name ?? '', world, { covered: 'rules' }).filter((line) => !known.has(line));
  const healthy = atZero
    ? [`stays at 0 replicas and shows as Healthy even if its pods fail: ${rollout} runs them`]
    : [];
  return [...healthy, ...news].map((text) => note(after, text));
}

// A manifest without the annotation may lack it by mistake. `off` is no mistake.
function ifUnmeant(before: KubeObject, after: KubeObject): string {
  const { profile } = migrationAnnotationsOf(before);
  return profile === undefined || dig(after.metadata, 'annotations', CONVERT) !== undefined
    ? ''
    : `; to keep the Rollout, set ${CONVERT}: "${profile}" again`;
}

/**
 * Returns what the user is told when a converted Deployment is written whose Rollout nobody changes.
 *
 * @param before - As stored.
 * @param after - As it will be stored.
 * @param because - Why nobody does.
 */
export function unattendedNotes(before: KubeObject, after: KubeObject, because: string, world: World): string[] {
  const rollout = `Rollout "${rolloutOf(before, '', world)?.metadata.name ?? ''}"`;
  const what =
    migrationAnnotationsOf(after).profile === undefined
      ? `${rollout} still runs its pods: apply it again when no update of the Rollout is in progress`
      : `${rollout} runs its pods, and keeps its count and profile`;
  return [note(after, `${because}: ${what}`)];
}
