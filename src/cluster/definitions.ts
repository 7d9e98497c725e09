import { messageOf } from '../world/error.ts';
import { DEFINITIONS_WITH_FIELDS, fieldsOfDefinition, type InstalledFields } from '../world/field-tree.ts';
import type { KubeObject } from '../world/object.ts';
import { asString, dig } from '../world/read.ts';
import { parseObject } from './bounded-json.ts';
import { ApiError, type ApiClient } from './client.ts';
import type { Logger, Sink } from './reflector.ts';

/** The path of the CustomResourceDefinitions of an API server. */
export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

// A definition is a single object of an idle API server. Nobody waits for it.
const TIMEOUT = 10_000;

/** Options of `Definitions`. */
interface DefinitionsOptions {
  readonly client: ApiClient;
  /** The names of the CustomResourceDefinitions that matter. */
  readonly names: ReadonlySet<string>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called when one of them may have changed. */
  readonly changed: () => void;
  /** Called when other fields are known. */
  readonly fieldsChanged: () => void;
}

interface ReadDefinition {
  readonly state: string;
  readonly fields: InstalledFields;
}

/**
 * Follows some CustomResourceDefinitions by their metadata, because that of a Rollout has half a megabyte. When the
 * specification of one with fields changes, it is read once, and only the names of its fields are kept. If that fails,
 * what was known before stays.
 */
export class Definitions implements Sink<KubeObject> {
  readonly #options: DefinitionsOptions;
  readonly #states = new Map<string, string>();
  readonly #read = new Map<string, ReadDefinition>();
  /** The last state that was asked for, with or without success. */
  readonly #tried = new Map<string, string>();
  #running: Promise<void> | undefined;

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  /** Returns the known fields of a definition. */
  fields(name: string): InstalledFields | undefined {
    return this.#read.get(name)?.fields;
  }

  /** Reports whether no definition waits for its first attempt to be read. */
  get isSettled(): boolean {
    return this.#running === undefined && this.#outdated().every(([name, state]) => this.#tried.get(name) === state);
  }

  /** Reads the definitions that changed since they were read, one after the other. Never rejects. */
  refresh(): Promise<void> {
    this.#running ??= this.#readAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  transform(raw: unknown): KubeObject | undefined {
    const name = asString(dig(raw, 'metadata', 'name'));
    if (!this.#options.names.has(name)) return undefined;
    const metadata = { name, uid: dig(raw, 'metadata', 'uid'), version: specificationOf(raw) };
    return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata };
  }

  replace(objects: readonly KubeObject[]): void {
    const before = [...this.#states.keys()].sort().join(' ');
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    for (const name of [...this.#states.keys(), ...this.#read.keys()]) if (!names.has(name)) this.#drop(name);
    for (const object of objects) this.#see(object);
    if ([...names].sort().join(' ') !== before) this.#options.changed();
    void this.refresh();
  }

  discard(): void {
    // Nothing is kept of them.
  }

  put(object: KubeObject): void {
    this.#see(object);
    this.#options.changed();
    void this.refresh();
  }

  remove(_namespace: string, name: string): void {
    if (!this.#options.names.has(name)) return;
    this.#drop(name);
    this.#options.changed();
  }

  forget(): void {
    // The next list counts as a change. The fields stay: they are still the best that is known.
    this.#states.clear();
  }

  unserved(): void {
    this.#states.clear();
  }

  #see({ metadata }: KubeObject): void {
    this.#states.set(metadata.name, `${String(metadata['uid'])} ${String(metadata['version'])}`);
  }

  #drop(name: string): void {
    this.#states.delete(name);
    if (this.#read.delete(name)) this.#options.fieldsChanged();
  }

  #outdated(): [name: string, state: string][] {
    return [...this.#states].filter(
      ([name, state]) => DEFINITIONS_WITH_FIELDS.has(name) && this.#read.get(name)?.state !== state,
    );
  }

  async #readAll(): Promise<void> {
    const { signal } = this.#options;
    const attempted = new Set<string>();
    while (!signal.aborted) {
      const next = this.#outdated().find(([name, state]) => !attempted.has(`${name} ${state}`));
      if (next === undefined) return;
      attempted.add(next.join(' '));
      await this.#readOne(...next);
    }
  }

  async #readOne(name: string, state: string): Promise<void> {
    const { client, log, signal, fieldsChanged } = this.#options;
    const isFirst = this.#tried.get(name) !== state;
    this.#tried.set(name, state);
    try {
      const text = await client.text({ path: `${DEFINITIONS}/${encodeURIComponent(name)}`, signal, timeout: TIMEOUT });
      if (!this.#states.has(name)) return;
      this.#read.set(name, { state, fields: fieldsIn(text) });
      fieldsChanged();
    } catch (error) {
      if (signal.aborted) return;
      // What the same text would cause again is not read again.
      const old = this.#read.get(name);
      if (error instanceof RangeError || error instanceof SyntaxError)
        this.#read.set(name, { state, fields: old?.fields ?? new Map() });
      // Deleted a moment ago: the watch will say so.
      if (isFirst && !(error instanceof ApiError && error.status === 404))
        log.warn(
          { definition: name, error: messageOf(error) },
          'the fields of a CustomResourceDefinition cannot be read: those that were known are used',
        );
    }
  }
}

/**
 * Returns the fields in the JSON of a CustomResourceDefinition.
 * @throws A RangeError if it is too large.
 */
function fieldsIn(text: string): InstalledFields {
  const { value, whole } = parseObject(text);
  if (!whole) throw new RangeError('it takes too much memory');
  return fieldsOfDefinition(value);
}

// Its status changes more often than its specification.
function specificationOf(raw: unknown): unknown {
  return dig(raw, 'metadata', 'generation') ?? dig(raw, 'metadata', 'resourceVersion');
}
