import { Budget } from '../../src/rules/budget.ts';
import type { Rule } from '../../src/rules/define.ts';
import { CONTROLLER_CONFIGURATION } from '../../src/world/references.ts';
import { kindOf, type KindId, type KubeObject, type ObjectKey } from '../../src/world/object.ts';
import type { Places } from '../../src/world/place.ts';
import { dig } from '../../src/world/read.ts';
import { REFERENCE_PLACES, SELECTOR_PLACES } from '../../src/world/reference-places.ts';
import type { Listing, Lookup, World } from '../../src/world/world.ts';

/** A place in the subject of a rule, or in another object, that the rule has read. */
export interface Read {
  readonly kind: KindId;
  readonly of: 'subject' | 'reads';
  readonly place: string;
  /** Whether it read which keys there are, and so sees every key that comes or goes. */
  readonly keys: boolean;
  /** Whether the object is a Rollout that reads its own fields by `fieldRef`. */
  readonly byFieldRef: boolean;
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const ALWAYS_READ: ReadonlySet<string> = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'metadata.name',
  'metadata.namespace',
]);

function placeOf(above: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${above}[${JSON.stringify(key)}]`;
  return above === '' ? key : `${above}.${key}`;
}

// One object for one read, so that reads are compared by identity.
const known = new Map<string, Map<string, Read>>();

function readIn(
  { kind, of, byFieldRef }: Pick<Read, 'kind' | 'of' | 'byFieldRef'>,
  keys: boolean,
): (place: string) => Read {
  const sort = `${kind} ${of} ${byFieldRef} ${keys}`;
  const places = known.get(sort) ?? new Map<string, Read>();
  known.set(sort, places);
  return (place) => {
    const read = places.get(place) ?? { kind, of, place, keys, byFieldRef };
    places.set(place, read);
    return read;
  };
}

type OnRead = (place: string, keys: boolean) => void;

/**
 * Returns a copy of an object that reports each place that is read in it. The copy of a part is the same one every time,
 * so values can be stored on it as on the object itself.
 */
function watched(value: object, place: string, onRead: OnRead): object {
  const inner = new Map<string, object>();
  const reported = new Set<string>();
  const isList = Array.isArray(value);
  const below = (key: string): string => (isList ? `${place}[*]` : placeOf(place, key));
  // A list has its methods, and every object those of all objects.
  const isField = (key: string | symbol): key is string =>
    typeof key === 'string' && (Object.hasOwn(value, key) ? !(isList && key === 'length') : !(key in value));
  const report = (key: string): void => {
    if (reported.has(key)) return;
    reported.add(key);
    onRead(below(key), false);
  };
  return new Proxy(value, {
    get(target, key, receiver) {
      const found: unknown = Reflect.get(target, key, receiver);
      if (!isField(key)) return found;
      report(key);
      if (typeof found !== 'object' || found === null) return found;
      const copy = inner.get(key) ?? watched(found, below(key), onRead);
      inner.set(key, copy);
      return copy;
    },
    has(target, key) {
      if (isField(key)) report(key);
      return Reflect.has(target, key);
    },
    getOwnPropertyDescriptor(target, key) {
      if (isField(key)) report(key);
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
    ownKeys(target) {
      // An item that comes or goes changes the list itself.
      onRead(place, !isList);
      return Reflect.ownKeys(target);
    },
  });
}

/** Returns the places that are read in an object while it is looked at. */
export function placesRead(object: KubeObject, look: (copy: KubeObject) => void): ReadonlySet<string> {
  const places = new Set<string>();
  look(
    watched(structuredClone(object), '', (place) => {
      if (!ALWAYS_READ.has(place)) places.add(place);
    }) as KubeObject,
  );
  return places;
}

/** A world that records what a rule reads in its objects. */
class RecordingWorld implements World {
  readonly reads = new Set<Read>();
  readonly #world: World;
  readonly #subject: KubeObject;
  readonly #copies = new Map<KubeObject, KubeObject>();
  readonly #lists = new Map<readonly KubeObject[], readonly KubeObject[]>();
  /** The key whose referrers were asked for, until it is known of which kind. */
  #asked: ObjectKey | undefined;

  constructor(world: World, subject: KubeObject) {
    this.#world = world;
    this.#subject = subject;
  }

  get fields(): World['fields'] {
    return this.#world.fields;
  }

  copyOf(object: KubeObject): KubeObject {
    let copy = this.#copies.get(object);
    if (copy === undefined) {
      const kind = kindOf(object);
      const of = object === this.#subject ? 'subject' : 'reads';
      const byFieldRef =
        kind === 'Rollout.argoproj.io' && /"fieldRef"/.test(JSON.stringify(dig(object, 'spec', 'strategy')) ?? '');
      const onRead: OnRead =
        kind === undefined
          ? () => undefined
          : this.#adding(readIn({ kind, of, byFieldRef }, false), readIn({ kind, of, byFieldRef }, true));
      copy = watched(structuredClone(object), '', onRead) as KubeObject;
      this.#copies.set(object, copy);
    }
    return copy;
  }

  #adding(ofField: (place: string) => Read, ofKeys: (place: string) => Read): OnRead {
    return (place, keys) => {
      if (keys) this.reads.add(ofKeys(place));
      else if (!ALWAYS_READ.has(place)) this.reads.add(ofField(place));
    };
  }

  get versions(): World['versions'] {
    return this.#world.versions;
  }

  get(kind: KindId, namespace: string, name: string): Lookup {
    const found = this.#world.get(kind, namespace, name);
    return found.state === 'present' ? { state: 'present', object: this.copyOf(found.object) } : found;
  }

  list(kind: KindId, namespace: string | undefined): Listing {
    const found = this.#world.list(kind, namespace);
    return found.state === 'known' ? { state: 'known', objects: this.#copiesOf(found.objects) } : found;
  }

  referrers(key: ObjectKey): readonly KubeObject[] {
    if (this.#asked !== undefined) throw new Error(`it is not known which referrers of ${this.#asked} the rule reads`);
    this.#asked = key;
    return this.#copiesOf(this.#world.referrers(key));
  }

  /** Called with each kind that the rule looks up: with that of referrers after these were asked for. */
  lookedUp(kind: KindId): void {
    const key = this.#asked;
    this.#asked = undefined;
    if (key === undefined || key === CONTROLLER_CONFIGURATION) return;
    const ofReferences: Places = REFERENCE_PLACES;
    for (const place of key.startsWith('selector/') ? SELECTOR_PLACES : (ofReferences[kind] ?? []))
      this.reads.add(readIn({ kind, of: 'reads', byFieldRef: false }, true)(place));
  }

  /** Ends the recording, so that what is done with the findings is not counted. */
  end(): readonly Read[] {
    if (this.#asked !== undefined) throw new Error(`it is not known which referrers of ${this.#asked} the rule reads`);
    return [...this.reads];
  }

  #copiesOf(objects: readonly KubeObject[]): readonly KubeObject[] {
    let copies = this.#lists.get(objects);
    if (copies === undefined) {
      copies = objects.map((object) => this.copyOf(object));
      this.#lists.set(objects, copies);
    }
    return copies;
  }
}

class KindsRead extends Set<KindId> {
  readonly #onAdd: (kind: KindId) => void;

  constructor(onAdd: (kind: KindId) => void) {
    super();
    this.#onAdd = onAdd;
  }

  override add(kind: KindId): this {
    this.#onAdd(kind);
    return super.add(kind);
  }
}

/** Returns every place that a rule reads, one object for each, when it checks a subject: in the subject and in other objects. */
export function readsOf(rule: Rule, world: World, subject: KubeObject): readonly Read[] {
  const recording = new RecordingWorld(world, subject);
  rule.run(
    {
      world: recording,
      budget: new Budget(),
      findings: [],
      skipped: [],
      lookedUp: new Set(),
      kindsRead: new KindsRead((kind) => recording.lookedUp(kind)),
    },
    recording.copyOf(subject),
  );
  return recording.end();
}
