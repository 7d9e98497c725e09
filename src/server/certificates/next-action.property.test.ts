import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AUTHORITY_LIFETIME,
  BACKDATED,
  CERTIFICATE_LIFETIME,
  fulfills,
  nextAction,
  type Authority,
  type CertificateAction,
  type CertificateState,
} from './next-action.ts';

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const START = Date.UTC(2026, 0, 1);
// An API server learns of a changed bundle, and a replica of a changed Secret, at the latest after this.
const PROPAGATION = 25 * SECOND;
const REPLICA_LAG = 180 * SECOND;

type Secret = Omit<CertificateState, 'bundles'>;

const EMPTY: Secret = { authority: undefined, next: undefined, trusted: [], serving: undefined, requested: undefined };

/** What one process has read, and what it has seen for how long. */
class Process {
  configurations:
    { readonly versions: readonly number[]; readonly bundles: readonly (readonly string[])[] } | undefined;
  secret: { readonly version: number; readonly content: Secret; readonly now: number } | undefined;
  times = { nextTrusted: 0, served: 0 };
  #next: readonly [string, number] | undefined;
  #served: readonly [unknown, number] | undefined;

  observe(state: CertificateState, at: number): void {
    const { next, serving, bundles } = state;
    const trusted = next !== undefined && bundles.every((bundle) => bundle.includes(next.id)) ? next.id : undefined;
    if (this.#next?.[0] !== trusted) this.#next = trusted === undefined ? undefined : [trusted, at];
    if (this.#served?.[0] !== serving) this.#served = [serving, at];
    this.times = { nextTrusted: at - (this.#next?.[1] ?? at), served: at - (this.#served?.[1] ?? at) };
  }
}

/**
 * A Secret, two webhook configurations, API servers that learn of changes later, replicas that read the Secret later,
 * and two processes that both believe that they lead.
 */
class Toy {
  wall = START;
  monotonic = 0;
  secret: Secret = EMPTY;
  secretVersion = 0;
  bundles: (readonly string[])[] = [[], []];
  versions = [0, 0];
  /** The bundles that an API server knows. */
  views: (readonly string[])[] = [[], []];
  /** The issuers of the certificates that replicas serve. */
  replicas: (string | undefined)[] = [undefined, undefined];
  processes = [new Process(), new Process()];
  wipes = 0;
  tools = 0;
  kinds = new Set<string>();
  #viewedAt = 0;
  #readAt = 0;
  #ids = 0;

  readConfigurations(index: number): void {
    const process = this.#process(index);
    process.configurations = { versions: [...this.versions], bundles: [...this.bundles] };
    process.secret = undefined;
  }

  readSecret(index: number): void {
    const process = this.#process(index);
    if (process.configurations === undefined) return;
    process.secret = { version: this.secretVersion, content: this.secret, now: this.wall };
    process.observe({ ...this.secret, bundles: process.configurations.bundles }, this.monotonic);
  }

  /** Does the step that follows from what was read. `half`: it ends between the writes of `trust`. */
  write(index: number, half = false): CertificateAction['kind'] {
    const process = this.#process(index);
    const { configurations, secret } = process;
    if (configurations === undefined || secret === undefined) return 'wait';
    process.configurations = process.secret = undefined;
    const action = nextAction(
      { ...secret.content, bundles: configurations.bundles },
      { now: secret.now, ...process.times },
    );
    this.kinds.add(action.kind);
    if (action.kind === 'trust') {
      for (const place of half ? [0] : [0, 1]) {
        if (this.versions[place] !== configurations.versions[place]) continue;
        this.bundles[place] = action.ids;
        this.versions[place] = (this.versions[place] ?? 0) + 1;
      }
    } else if (action.kind !== 'wait' && secret.version === this.secretVersion) {
      this.#change(this.#written(action, secret.content, secret.now));
    }
    return action.kind;
  }

  step(index: number): CertificateAction['kind'] {
    this.readConfigurations(index);
    this.readSecret(index);
    return this.write(index);
  }

  kill(index: number): void {
    this.processes[index] = new Process();
  }

  restartReplica(index: number): void {
    this.replicas[index] = this.secret.serving?.issuer;
  }

  request(requested: 'certificate' | 'ca'): void {
    this.#change({ ...this.secret, requested });
  }

  /**
   * Empties the Secret. Before the first bundle nothing works yet, and nobody would know what was served. A process that
   * has read the configurations before that, and the Secret after this, does not know it either.
   */
  wipe(): void {
    const known = [
      this.bundles,
      ...this.processes.flatMap(({ configurations }) => (configurations === undefined ? [] : [configurations.bundles])),
    ];
    if (known.some((bundles) => bundles.every((bundle) => bundle.length === 0))) return;
    if (this.wipes++ < 3) this.#change(EMPTY);
  }

  /**
   * A pod of another mode of the chart runs again, and the tool of that mode adds its authority to what is trusted. So
   * few are trusted that there is room.
   */
  otherTool(replica: number): void {
    const known = new Set([...this.secret.trusted, ...this.bundles.flat()]);
    if (this.bundles.some((bundle) => bundle.length === 0) || known.size > 4 || this.tools++ >= 3) return;
    const id = `tool-${this.tools}`;
    this.bundles = this.bundles.map((bundle) => [...bundle, id]);
    this.versions = this.versions.map((version) => version + 1);
    this.views = this.views.map((view) => (view.length === 0 ? view : [...view, id]));
    this.replicas[replica] = id;
  }

  pass(time: number): void {
    for (let left = time; left > 0; left -= PROPAGATION) {
      const now = Math.min(left, PROPAGATION);
      this.wall += now;
      this.monotonic += now;
      if (time > REPLICA_LAG) this.readReplicas();
      if (this.monotonic - this.#viewedAt >= PROPAGATION) this.view();
      if (this.monotonic - this.#readAt >= REPLICA_LAG) this.readReplicas();
      if (time > REPLICA_LAG) {
        const rest = left - now;
        this.wall += rest;
        this.monotonic += rest;
        break;
      }
    }
  }

  view(index?: number): void {
    this.views = this.views.map(
      (view, place) => (index === undefined || index === place ? this.bundles[place] : view) ?? [],
    );
    if (index === undefined) this.#viewedAt = this.monotonic;
  }

  readReplicas(index?: number): void {
    this.replicas = this.replicas.map((issuer, place) =>
      index === undefined || index === place ? (this.secret.serving?.issuer ?? issuer) : issuer,
    );
    if (index === undefined) this.#readAt = this.monotonic;
  }

  /** What an API server would reject. Before the first bundle nothing is trusted. */
  untrusted(): string[] {
    return this.views
      .filter((view) => view.length > 0)
      .flatMap((view) => this.replicas.filter((issuer) => issuer !== undefined && !view.includes(issuer)))
      .map((issuer) => `${issuer} is not in ${JSON.stringify(this.views)}`);
  }

  #process(index: number): Process {
    return this.processes[index] as Process;
  }

  #change(secret: Secret): void {
    this.secret = secret;
    this.secretVersion++;
  }

  #written(action: CertificateAction, secret: Secret, now: number): Secret {
    const cleared = fulfills(action, secret) ? { ...secret, requested: undefined } : secret;
    const { requested } = cleared;
    const issuedBy = (authority: Authority): CertificateState['serving'] => ({
      issuer: authority.id,
      notBefore: now - BACKDATED,
      notAfter: Math.min(now + CERTIFICATE_LIFETIME, authority.notAfter),
    });
    const made = (): Authority => ({
      id: `ca-${++this.#ids}`,
      notBefore: now - BACKDATED,
      notAfter: now + AUTHORITY_LIFETIME,
    });
    switch (action.kind) {
      case 'create': {
        const authority = made();
        return { ...EMPTY, requested, authority, trusted: [authority.id], serving: issuedBy(authority) };
      }
      case 'prepare':
        return { ...cleared, next: made(), trusted: action.trusted };
      case 'switch': {
        const authority = secret.next as Authority;
        return {
          ...EMPTY,
          requested,
          authority,
          trusted: [authority.id, ...secret.trusted],
          serving: issuedBy(authority),
        };
      }
      case 'renew':
        return { ...cleared, serving: issuedBy(secret.authority as Authority) };
      case 'retire':
        return { ...cleared, trusted: action.trusted };
      default:
        return secret;
    }
  }
}

type Event = (toy: Toy) => unknown;
const named = (name: string, event: Event): Event => Object.assign(event, { toString: () => name });
const either = fc.nat(1);

const EVENTS = fc.oneof(
  { arbitrary: either.map((p) => named(`step(${p})`, (toy) => toy.step(p))), weight: 8 },
  { arbitrary: either.map((p) => named(`readConfigurations(${p})`, (toy) => toy.readConfigurations(p))), weight: 2 },
  { arbitrary: either.map((p) => named(`readSecret(${p})`, (toy) => toy.readSecret(p))), weight: 2 },
  {
    arbitrary: fc
      .tuple(either, fc.boolean())
      .map(([p, half]) => named(`write(${p}, ${half})`, (toy) => toy.write(p, half))),
    weight: 3,
  },
  { arbitrary: either.map((p) => named(`kill(${p})`, (toy) => toy.kill(p))), weight: 2 },
  { arbitrary: either.map((r) => named(`restartReplica(${r})`, (toy) => toy.restartReplica(r))), weight: 1 },
  { arbitrary: either.map((r) => named(`readReplicas(${r})`, (toy) => toy.readReplicas(r))), weight: 2 },
  { arbitrary: either.map((v) => named(`view(${v})`, (toy) => toy.view(v))), weight: 2 },
  {
    arbitrary: fc.integer({ min: 1, max: 60 }).map((s) => named(`pass(${s} s)`, (toy) => toy.pass(s * SECOND))),
    weight: 6,
  },
  {
    arbitrary: fc.integer({ min: 1, max: 300 }).map((d) => named(`pass(${d} d)`, (toy) => toy.pass(d * DAY))),
    weight: 2,
  },
  {
    arbitrary: fc.integer({ min: -800, max: 800 }).map((d) => named(`jump(${d} d)`, (toy) => (toy.wall += d * DAY))),
    weight: 1,
  },
  {
    arbitrary: fc
      .constantFrom('certificate' as const, 'ca' as const)
      .map((what) => named(`request(${what})`, (toy) => toy.request(what))),
    weight: 2,
  },
  { arbitrary: either.map((r) => named(`otherTool(${r})`, (toy) => toy.otherTool(r))), weight: 1 },
  { arbitrary: fc.constant(named('wipe()', (toy) => toy.wipe())), weight: 1 },
);

/** Runs one process for twelve minutes, without another event. */
function settle(toy: Toy): void {
  toy.kill(0);
  for (let count = 0; count < 150; count++) {
    toy.step(0);
    toy.pass(5 * SECOND);
    expect(toy.untrusted()).toEqual([]);
  }
}

const isFresh = ({ notBefore, notAfter }: { notBefore: number; notAfter: number }, now: number): boolean =>
  notBefore <= now && now < notBefore + ((notAfter - notBefore) * 2) / 3;

describe('the steps of certificates', () => {
  it('leave no replica with a certificate that is not trusted, and reach a fresh one, if any process is killed at any time', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(fc.array(EVENTS, { maxLength: 80, size: 'max' }), (events) => {
        const toy = new Toy();
        for (const event of events) {
          event(toy);
          expect(toy.untrusted()).toEqual([]);
        }
        settle(toy);
        const { authority, serving, trusted, requested } = toy.secret;
        if (authority === undefined || serving === undefined) throw new Error('there is no certificate');
        expect([isFresh(authority, toy.wall), isFresh(serving, toy.wall)]).toEqual([true, true]);
        expect(requested).toBeUndefined();
        expect(serving.issuer).toBe(authority.id);
        for (const bundle of toy.bundles) expect(new Set(bundle)).toEqual(new Set(trusted));
        // Meanwhile the authority may become due once.
        const after = Array.from({ length: 3 }, () => {
          toy.pass(2 * DAY);
          settle(toy);
          return toy.bundles.every(([id, ...more]) => id === toy.secret.authority?.id && more.length === 0);
        });
        expect(after).toContain(true);
        for (const kind of toy.kinds) kinds.add(kind);
      }),
      { numRuns: 500 },
    );
    expect([...kinds].sort()).toEqual(['create', 'prepare', 'renew', 'retire', 'switch', 'trust', 'wait']);
  });

  it.each<[string, readonly Event[]]>([
    [
      'a process saw the next authority in the bundles before and after another one removed it',
      [
        (toy) => toy.step(0),
        (toy) => toy.pass(364 * DAY),
        (toy) => toy.step(0),
        (toy) => toy.step(0),
        (toy) => toy.step(1),
        (toy) => (toy.wall -= 305 * DAY),
        (toy) => toy.step(0),
        (toy) => (toy.wall += 161 * DAY),
        (toy) => toy.pass(144 * DAY),
        (toy) => toy.step(0),
        (toy) => toy.step(1),
        (toy) => toy.readReplicas(0),
      ],
    ],
    [
      'a process issues from the next authority just after another one removed it',
      [
        (toy) => toy.step(0),
        (toy) => toy.step(0),
        (toy) => toy.pass(10 * DAY),
        (toy) => toy.request('ca'),
        (toy) => toy.step(0),
        (toy) => toy.step(0),
        (toy) => toy.step(1),
        (toy) => toy.pass(60 * SECOND),
        (toy) => toy.readConfigurations(1),
        (toy) => toy.readSecret(1),
        (toy) => (toy.wall -= DAY),
        (toy) => toy.step(0),
        (toy) => toy.view(),
        (toy) => toy.write(1),
        (toy) => toy.readReplicas(0),
      ],
    ],
  ])('leave no such replica if the clock jumps, and %s', (_, events) => {
    const toy = new Toy();
    for (const event of events) {
      event(toy);
      expect(toy.untrusted()).toEqual([]);
    }
    settle(toy);
  });

  it('keep certificates fresh for ten years, with rotations of the authority', () => {
    const toy = new Toy();
    const authorities = new Set<string | undefined>();
    for (let day = 0; day < 3_650; day++) {
      for (let count = 0; count < 10; count++) {
        toy.step(0);
        toy.pass(20 * SECOND);
      }
      expect(toy.untrusted()).toEqual([]);
      authorities.add(toy.secret.authority?.id);
      expect(toy.secret.serving?.notAfter).toBeGreaterThan(toy.wall + 25 * DAY);
      toy.pass(DAY);
    }
    expect(authorities.size).toBe(16);
    expect(toy.secret.trusted).toHaveLength(1);
  });
});
