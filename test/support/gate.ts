import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Gate, type GateAnswer, type GateParts, type Limits } from '../../src/admission/gate.ts';
import type { ApiReader } from '../../src/admission/live-reads.ts';
import type { Request } from '../../src/admission/review.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { parseManifests, placeObjects } from '../../src/world/manifests.ts';
import { keyOf, kindOf, listIn, namespaceOf, type KubeObject, type ObjectKey } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import type { World } from '../../src/world/world.ts';
import { deepFreeze } from './freeze.ts';

/** The service account of the controller in these tests. */
export const CONTROLLER = 'system:serviceaccount:argo-rollouts:argo-rollouts';
/** A user without special rights. */
export const DEVELOPER = 'dev@example.com';
/** Limits that no test reaches. */
export const NO_LIMITS: Limits = { deadline: Number.MAX_SAFE_INTEGER, maxSubjects: 10_000, maxOperations: Infinity };

/**
 * Returns the objects in a YAML text, with namespaces set, and frozen.
 *
 * @throws Error - If a document cannot be read.
 */
export function objectsOf(text: string): KubeObject[] {
  const manifests = parseManifests(text, 'test');
  if (manifests.errors.length > 0) throw new Error(JSON.stringify(manifests.errors));
  return placeObjects(manifests.objects).sources.map(({ object }) => deepFreeze(object));
}

/** Returns the objects in a file, as `objectsOf` does. */
export function objectsIn(path: string): KubeObject[] {
  return objectsOf(readFileSync(path, 'utf8'));
}

/** Returns a gate over a world or over objects, with the controller's account known. */
export function gateOver(
  world: World | readonly KubeObject[],
  parts: Partial<GateParts> & { policyChange?: Partial<Policy> } = {},
): Gate {
  const { policyChange, ...rest } = parts;
  const known = 'get' in world ? world : storeOf(world);
  return new Gate({
    world: known,
    rules: RULES,
    keeps: PRESERVERS,
    policy: () => ({ ...DEFAULT_POLICY, ...policyChange }),
    discovered: () => [CONTROLLER],
    pause: () => setImmediate(),
    now: () => Date.parse('2026-01-01T00:00:00Z'),
    ...rest,
  });
}

/** Returns the request that the API server would send for a change by a developer. */
export function requestFor(
  after: KubeObject | undefined,
  before: KubeObject | undefined,
  more: Partial<Request> & { username?: string } = {},
): Request {
  const object = after ?? before;
  if (object === undefined) throw new Error('an object is needed');
  const { username = DEVELOPER, ...rest } = more;
  return {
    uid: 'c9a4c9f0-0000-4000-8000-000000000000',
    operation: after === undefined ? 'DELETE' : before === undefined ? 'CREATE' : 'UPDATE',
    apiVersion: object.apiVersion,
    kind: object.kind,
    kindId: kindOf(object),
    resource: '',
    subresource: '',
    namespace: namespaceOf(object),
    name: object.metadata.name,
    user: { username, groups: ['system:authenticated'], uid: '', extra: {} },
    dryRun: false,
    fieldManager: '',
    object: after,
    oldObject: before,
    ...rest,
  };
}

/** Returns the gate's answer as a validating webhook. */
export function validate(gate: Gate, request: Request): Promise<GateAnswer> {
  return gate.validate(request, NO_LIMITS);
}

/** Returns live reads that see these objects. */
export function liveOf(objects: () => readonly KubeObject[]): ApiReader {
  return {
    fetch: (keys) => {
      const byKey = new Map(objects().map((object) => [keyOf(object), object]));
      return Promise.resolve(new Map(keys.map((key) => [key, byKey.get(key)])));
    },
    list: (keys) => Promise.resolve(new Map(keys.map((key) => [key, listedIn(objects(), key)]))),
  };
}

/** Live reads that all fail. */
export const UNREADABLE: ApiReader = {
  fetch: (keys) => Promise.resolve(new Map(keys.map((key) => [key, 'unreadable']))),
  list: (keys) => Promise.resolve(new Map(keys.map((key) => [key, 'unreadable']))),
};

function listedIn(objects: readonly KubeObject[], key: ObjectKey): readonly KubeObject[] {
  const { kind, namespace } = listIn(key) ?? {};
  return objects.filter((object) => kindOf(object) === kind && ['', namespaceOf(object)].includes(namespace ?? ''));
}
