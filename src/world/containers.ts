import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, isObject, asObject, asString, type JsonObject } from './read.ts';
import { workloadRefOf } from './rollout.ts';

/** A container, and where it stands. */
export interface Container {
  /**
   * Empty where it has none; cut where it is longer than any valid one, so that it can go into every message about the
   * container.
   */
  readonly name: string;
  readonly list: 'containers' | 'initContainers';
  readonly index: number;
  readonly raw: JsonObject;
  readonly path: Path;
}

const MAX_NAME = 100;

/** Where a Rollout's own pod template stands. */
export const TEMPLATE_PATH: Path = ['spec', 'template'];

/**
 * In: a Rollout. Out: its own pod template, empty if it has none; undefined with `workloadRef`, where the template is
 * the workload's.
 */
export function ownTemplate(rollout: KubeObject): JsonObject | undefined {
  return workloadRefOf(rollout) === undefined ? asObject(dig(rollout, 'spec', 'template')) : undefined;
}

/**
 * In: a pod template and its path. Out: its containers, then its init containers; entries that are no objects are
 * passed over.
 */
export function containersOf(template: JsonObject, path: Path): Container[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    asArray(dig(template, 'spec', list)).flatMap((raw, index): Container[] =>
      isObject(raw)
        ? [{ name: asString(raw['name']).slice(0, MAX_NAME), list, index, raw, path: [...path, 'spec', list, index] }]
        : [],
    ),
  );
}

/** In: a Rollout. Out: the containers of its own pod template; none with `workloadRef`. */
export const ownContainers = memo(collectContainers);

function collectContainers(rollout: KubeObject): Container[] {
  const template = ownTemplate(rollout);
  return template === undefined ? [] : containersOf(template, TEMPLATE_PATH);
}

/** In: a container. Out: how a person is told which one it is. */
export function renderContainer({ name, list, index }: Container): string {
  const kind = list === 'containers' ? 'container' : 'init container';
  return name === '' ? `${kind} ${index + 1}` : `${kind} "${name}"`;
}
