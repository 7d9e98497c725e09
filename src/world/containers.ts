import { memo, type Counting } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { below, type Place } from './place.ts';
import { asArray, dig, isObject, asObject, asString, type JsonObject } from './read.ts';
import { workloadRefOf } from './rollout.ts';

/** A container and its path. */
export interface Container {
  /**
   * Empty if it has none. Cut if it is longer than any valid name, because every message about the container contains
   * it.
   */
  readonly name: string;
  readonly list: 'containers' | 'initContainers';
  readonly index: number;
  readonly raw: JsonObject;
  readonly path: Path;
}

const MAX_NAME = 100;

/** The path of a Rollout's own pod template. */
export const TEMPLATE_PATH: Path = ['spec', 'template'];

/**
 * Returns the Rollout's own pod template, empty if it has none; undefined with `workloadRef`, because the template is
 * then the workload's.
 */
export function ownTemplate(rollout: KubeObject): JsonObject | undefined {
  return workloadRefOf(rollout) === undefined ? asObject(dig(rollout, 'spec', 'template')) : undefined;
}

/** Returns the containers of a pod template, then its init containers. Ignores entries that are not objects. */
export function containersOf(template: JsonObject, path: Path): Container[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    asArray(dig(template, 'spec', list)).flatMap((raw, index): Container[] =>
      isObject(raw)
        ? [{ name: asString(raw['name']).slice(0, MAX_NAME), list, index, raw, path: [...path, 'spec', list, index] }]
        : [],
    ),
  );
}

// What a rule does for a container with nothing in it, in operations.
const COST_OF_CONTAINER = 3;

/** Does the same, for rules: the operations are counted before they are done. */
export function countedContainers(template: JsonObject, path: Path, counting: Counting): Container[] {
  countContainers(template, counting);
  return containersOf(template, path);
}

function countContainers(template: JsonObject | undefined, { spend }: Counting): void {
  for (const list of ['containers', 'initContainers'])
    spend(COST_OF_CONTAINER * asArray(dig(template, 'spec', list)).length);
}

/**
 * Returns the places in a Rollout that `ownContainers` and its caller read.
 * @param fields - The fields of a container that the caller reads, in addition to its name.
 */
export function ownContainerPlaces(...fields: readonly string[]): readonly Place[] {
  return ['spec.workloadRef', ...below('spec.template', containerPlaces('name', ...fields))];
}

/** Returns fields of all containers and init containers as places in a pod template. */
export function containerPlaces(...fields: readonly string[]): readonly string[] {
  return ['containers', 'initContainers'].flatMap((list) => fields.map((field) => `spec.${list}[*].${field}`));
}

/**
 * The texts in a pod template that change most often. A rule that needs to know only whether there is a pod template, or
 * something in it, does not read them.
 */
export const CONTAINER_TEXTS = containerPlaces('image?', 'args[*]?', 'command[*]?', 'env[*].value?');

/**
 * Returns the containers of the Rollout's own pod template; none with `workloadRef`. The operations are counted before
 * they are done.
 */
export function ownContainers(rollout: KubeObject, counting: Counting): readonly Container[] {
  countContainers(ownTemplate(rollout), counting);
  return collected(rollout);
}

const collected = memo((rollout: KubeObject): readonly Container[] => {
  const template = ownTemplate(rollout);
  return template === undefined ? [] : containersOf(template, TEMPLATE_PATH);
});

/** Returns the name of a container for messages. */
export function renderContainer({ name, list, index }: Container): string {
  const kind = list === 'containers' ? 'container' : 'init container';
  return name === '' ? `${kind} ${index + 1}` : `${kind} "${name}"`;
}
