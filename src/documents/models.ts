import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FieldTree } from '../world/field-tree.ts';
import { nearest } from '../world/nearest.ts';
import { groupOf } from '../world/object.ts';
import { pointer, type Path } from '../world/path.ts';
import { asArray, dig, isObject, asObject, asString, type JsonObject } from '../world/read.ts';

/** The source of a schema, and how strictly it can be applied. */
export interface SchemaOrigin {
  /** The npm package of compiled validators. */
  readonly package: string;
  /** The name and version of what the schema describes, for messages. */
  readonly title: string;
  /**
   * Whether the kind is a custom resource. Then the required fields of the schema are checked too. For built-in kinds
   * only the types are certain, because the API server defaults some required fields.
   */
  readonly custom: boolean;
  /** The apiVersion whose schema is used, if the package lacks that of the object, and both are the same. */
  readonly sameAs?: string;
}

const ARGO: SchemaOrigin = { package: '@kubernetes-models/argo-rollouts', title: 'Argo Rollouts 1.9', custom: true };
const ISTIO: SchemaOrigin = { package: '@kubernetes-models/istio', title: 'Istio 1.29', custom: true };
const GATEWAY: SchemaOrigin = { package: '@kubernetes-models/gateway-api', title: 'Gateway API 1.5', custom: true };
const CORE: SchemaOrigin = { package: 'kubernetes-models', title: 'Kubernetes', custom: false };

// Of each kind all apiVersions that are served, the best one first. Objects with another one are not checked.
const ORIGINS: ReadonlyMap<string, SchemaOrigin> = new Map([
  ['argoproj.io/v1alpha1/Rollout', ARGO],
  ['argoproj.io/v1alpha1/AnalysisTemplate', ARGO],
  ['argoproj.io/v1alpha1/ClusterAnalysisTemplate', ARGO],
  ['argoproj.io/v1alpha1/Experiment', ARGO],
  ['networking.istio.io/v1/VirtualService', ISTIO],
  ['networking.istio.io/v1beta1/VirtualService', ISTIO],
  ['networking.istio.io/v1alpha3/VirtualService', ISTIO],
  ['networking.istio.io/v1/DestinationRule', ISTIO],
  ['networking.istio.io/v1beta1/DestinationRule', ISTIO],
  ['networking.istio.io/v1alpha3/DestinationRule', ISTIO],
  ['gateway.networking.k8s.io/v1/HTTPRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1beta1/HTTPRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1/GRPCRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1alpha2/GRPCRoute', GATEWAY],
  // From the custom resource definition of Gateway API 1.6: v1 has the same fields.
  ['gateway.networking.k8s.io/v1/TCPRoute', { ...GATEWAY, sameAs: 'gateway.networking.k8s.io/v1alpha2' }],
  ['gateway.networking.k8s.io/v1alpha2/TCPRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1/TLSRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1alpha2/TLSRoute', GATEWAY],
  ['gateway.networking.k8s.io/v1alpha3/TLSRoute', GATEWAY],
  ['v1/Service', CORE],
  ['apps/v1/Deployment', CORE],
  ['networking.k8s.io/v1/Ingress', CORE],
]);

/** The schema of a kind in one apiVersion. */
export interface Schema extends SchemaOrigin {
  readonly apiVersion: string;
  readonly kind: string;
}

/** One error of a compiled validator (AJV). */
export interface SchemaError {
  readonly path: Path;
  /** The value at that path. */
  readonly value: unknown;
  /** The JSON Schema keyword: `type`, `required`, `enum` ... */
  readonly keyword: string;
  readonly params: JsonObject;
  readonly message: string;
}

/** An object whose fields a validator read. */
export interface Visited {
  readonly path: Path;
  readonly value: JsonObject;
  /**
   * The fields that the validator read: those that the schema has here, and every field of a map. If empty, the object
   * is free-form.
   */
  readonly known: ReadonlySet<string>;
}

/** The result of checking one object against a schema. */
export interface Inspection {
  readonly schema: Schema;
  readonly object: unknown;
  readonly errors: readonly SchemaError[];
  readonly visited: readonly Visited[];
  /** The fields that the cluster has installed, if they are known. */
  readonly installed?: FieldTree;
}

/** Returns the apiVersions and kinds that have a schema. */
export function schemas(): Schema[] {
  return [...ORIGINS.keys()].flatMap((id) => {
    const slash = id.lastIndexOf('/');
    return schemaOf(id.slice(0, slash), id.slice(slash + 1)) ?? [];
  });
}

/** Returns the schema for an apiVersion and kind, or undefined if there is none. */
export function schemaOf(apiVersion: string, kind: string): Schema | undefined {
  const origin = ORIGINS.get(`${apiVersion}/${kind}`);
  return origin === undefined ? undefined : { ...origin, apiVersion, kind };
}

// These groups have no kind of that name that is another one. The Rollout of OpenKruise and the Service of Knative are.
const NATIVE_GROUPS: ReadonlySet<string> = new Set([
  '',
  'apps',
  'argoproj.io',
  'autoscaling',
  'batch',
  'networking.k8s.io',
  'policy',
]);

// Of kinds without a schema here. Source: the deprecated API migration guide of Kubernetes.
const REMOVED: ReadonlyMap<string, string> = new Map([
  ['apps/v1beta1/ReplicaSet', 'apps/v1'],
  ['apps/v1beta2/ReplicaSet', 'apps/v1'],
  ['extensions/v1beta1/ReplicaSet', 'apps/v1'],
  ['autoscaling/v2beta1/HorizontalPodAutoscaler', 'autoscaling/v2'],
  ['autoscaling/v2beta2/HorizontalPodAutoscaler', 'autoscaling/v2'],
  ['policy/v1beta1/PodDisruptionBudget', 'policy/v1'],
]);

/**
 * Returns the apiVersion to write instead of one that releases of the last years do not serve for this kind, such as
 * `argoproj.io/v1`, or `apps/v1` or `argo.io/v1alpha1` for a Rollout. Undefined if it is served, or that is not known.
 */
export function servedInstead(apiVersion: string, kind: string): string | undefined {
  const id = `${apiVersion}/${kind}`;
  if (ORIGINS.has(id)) return undefined;
  const group = groupOf(apiVersion);
  const served = [...ORIGINS.keys()].find((known) => {
    const slash = known.lastIndexOf('/');
    return known.slice(slash + 1) === kind && isMeant(group, groupOf(known.slice(0, slash)));
  });
  return served?.slice(0, served.lastIndexOf('/')) ?? REMOVED.get(id);
}

// Groups of others differ more.
function isMeant(group: string, known: string): boolean {
  if (group === known || NATIVE_GROUPS.has(group) || nearest(group, [known]) !== undefined) return true;
  return known === 'argoproj.io' && group.includes('argo');
}

// A validator copies its list of errors for each element of a list, so its time grows with the square of the number of
// errors.
const MAX_VALUES = 20_000;

/**
 * Checks a value with the compiled validator of `@kubernetes-models/*`, and records which fields the validator knows.
 * Returns undefined for a value of more than 20,000 parts, which is not checked. The packages are loaded when they are
 * first needed; the first one takes a third of a second. Does not change the value.
 */
export function inspect(schema: Schema, value: unknown): Inspection | undefined {
  const recorder = new Recorder();
  const copy = recorder.copy(value, []);
  if (recorder.isFull) return undefined;
  const errors = asArray(validate(schema, copy)).map((error): SchemaError => {
    const { path, found } = follow(asString(dig(error, 'instancePath')), value);
    return {
      path,
      value: found,
      keyword: asString(dig(error, 'keyword')),
      params: asObject(dig(error, 'params')),
      message: asString(dig(error, 'message')),
    };
  });
  return { schema, object: value, errors, visited: recorder.visited };
}

/** Returns the required fields that a value lacks once its null fields are removed, as JSON pointers. */
export function requiredWithoutNulls(schema: Schema, value: unknown): ReadonlySet<string> {
  return new Set(
    asArray(validate(schema, withoutNulls(value))).flatMap((error) => {
      const { path } = follow(asString(dig(error, 'instancePath')), value);
      return asString(dig(error, 'keyword')) === 'required'
        ? [pointer([...path, asString(dig(error, 'params', 'missingProperty'))])]
        : [];
    }),
  );
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return asArray(value).map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.assign(
    Object.create(null) as object,
    Object.fromEntries(
      Object.entries(value).flatMap(([key, entry]) => (entry === null ? [] : [[key, withoutNulls(entry)]])),
    ),
  );
}

// The fields that a validator reads are the fields that it knows: each field that is in the schema, each field of a map,
// and no field of a free-form object.
class Recorder {
  readonly visited: Visited[] = [];
  #values = 0;

  get isFull(): boolean {
    return this.#values > MAX_VALUES;
  }

  copy(value: unknown, path: Path): unknown {
    this.#values++;
    if (this.isFull) return undefined;
    if (Array.isArray(value)) return asArray(value).map((entry, index) => this.copy(entry, [...path, index]));
    if (!isObject(value)) return value;
    const known = new Set<string>();
    this.visited.push({ path, value, known });
    // Without a prototype, a field named like a method of objects exists only if the manifest has it.
    const copied = Object.create(null) as Record<string, unknown>;
    for (const [key, entry] of Object.entries(value)) copied[key] = this.copy(entry, [...path, key]);
    return new Proxy(copied, {
      get(target, key) {
        if (typeof key === 'string') known.add(key);
        return Reflect.get(target, key) as unknown;
      },
    });
  }
}

type Validator = (value: unknown) => unknown;

const require = createRequire(import.meta.url);
const validators = new Map<string, Validator>();

function validate(schema: Schema, value: unknown): unknown {
  const id = `${schema.apiVersion}/${schema.kind}`;
  let validator = validators.get(id);
  if (validator === undefined) {
    validator = load(schema);
    validators.set(id, validator);
  }
  const errors = validator(value);
  return schema.sameAs === undefined
    ? errors
    : asArray(errors).filter((error) => dig(error, 'instancePath') !== '/apiVersion');
}

// The packages export their files only to `import`, which would make every caller asynchronous. Node can also require a
// module by its file name if the module has no top-level await.
function load(schema: Schema): Validator {
  const folder = dirname(require.resolve(`${schema.package}/package.json`));
  const loaded: unknown = require(
    join(folder, ...(schema.sameAs ?? schema.apiVersion).split('/'), `${schema.kind}.js`),
  );
  const model =
    typeof loaded === 'object' && loaded !== null ? (Reflect.get(loaded, schema.kind) as unknown) : undefined;
  const prototype: unknown = typeof model === 'function' ? model.prototype : undefined;
  const method: unknown =
    typeof prototype === 'object' && prototype !== null ? (Reflect.get(prototype, 'validate') as unknown) : undefined;
  if (typeof method !== 'function')
    throw new Error(`${schema.package} has no validator for ${schema.apiVersion} ${schema.kind}`);
  return (value) => {
    try {
      Reflect.apply(method, value, []);
      return [];
    } catch (error) {
      const errors: unknown =
        typeof error === 'object' && error !== null ? (Reflect.get(error, 'errors') as unknown) : undefined;
      if (!Array.isArray(errors)) throw error;
      return errors as readonly unknown[];
    }
  };
}

function follow(pointer: string, root: unknown): { path: Path; found: unknown } {
  let found = root;
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(found) ? Number(key) : key;
      found = Array.isArray(found) ? asArray(found)[Number(key)] : dig(found, key);
      return step;
    });
  return { path, found };
}
