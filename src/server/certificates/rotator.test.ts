import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../cluster/api-error.ts';
import { certificateAuthority, selfSigned, type CertificateNames } from '../certificate.ts';
import { createLog } from '../log.ts';
import { readCertificate } from '../tls.ts';
import type { CertificateApi, StoredSecret, WebhookConfiguration } from './api.ts';
import { readState } from './secret-content.ts';
import { CertificateRotator } from './rotator.ts';

const NAMES: CertificateNames = ['rollgate.rollgate.svc', 'rollgate.rollgate.svc.cluster.local'];
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const START = Date.UTC(2026, 0, 1);

class Killed extends Error {}

/** The objects of an API server, which rejects a write of an outdated version. */
class Objects implements CertificateApi {
  data: Record<string, string> = {};
  requested: string | undefined;
  configurationsNow: WebhookConfiguration[] = ['mutating', 'validating'].map((plural) => ({
    plural,
    resourceVersion: '1',
    bundles: ['', ''],
  }));
  writes: string[] = [];
  /** Called before each write. */
  before: (write: string) => void = () => undefined;
  /** Called after each write. */
  after: (write: string) => void = () => undefined;
  #version = 1;

  secret(): Promise<StoredSecret> {
    return Promise.resolve({
      resourceVersion: String(this.#version),
      data: { ...this.data },
      requested: this.requested,
    });
  }

  changeSecret(
    secret: StoredSecret,
    changes: Readonly<Record<string, string | undefined>>,
    isFulfilled: boolean,
  ): Promise<void> {
    return this.#write(`Secret ${Object.keys(changes).join()}`, () => {
      if (secret.resourceVersion !== String(this.#version)) throw new ApiError(409, 'conflict');
      this.#version++;
      if (isFulfilled) this.requested = undefined;
      this.data = Object.fromEntries(
        Object.entries({ ...this.data, ...changes }).flatMap(([key, text]) =>
          text === undefined ? [] : [[key, text] as const],
        ),
      );
    });
  }

  configurations(): Promise<readonly WebhookConfiguration[]> {
    return Promise.resolve([...this.configurationsNow]);
  }

  trust(configuration: WebhookConfiguration, bundle: string): Promise<void> {
    return this.#write(configuration.plural, () => {
      const index = this.configurationsNow.findIndex(({ plural }) => plural === configuration.plural);
      const current = this.configurationsNow[index];
      if (current?.resourceVersion !== configuration.resourceVersion) throw new ApiError(409, 'conflict');
      this.configurationsNow[index] = {
        ...current,
        resourceVersion: `${current.resourceVersion}1`,
        bundles: current.bundles.map(() => bundle),
      };
    });
  }

  get bundles(): string[] {
    return this.configurationsNow.flatMap(({ bundles }) => bundles);
  }

  async #write(write: string, perform: () => void): Promise<void> {
    await Promise.resolve();
    this.before(write);
    perform();
    this.writes.push(write);
    this.after(write);
  }
}

class Clock {
  wall = START;
  monotonic = 0;
  pass(time: number): void {
    this.wall += time;
    this.monotonic += time;
  }
}

function rotatorOf(
  api: Objects,
  clock: Clock,
  mayAct = (): boolean => true,
): { rotator: CertificateRotator; lines: string[] } {
  const lines: string[] = [];
  const rotator = new CertificateRotator({
    api,
    names: NAMES,
    interval: 3_600_000,
    log: createLog('info', { write: (line: string) => void lines.push(line) }),
    mayAct,
    now: () => clock.wall,
    monotonic: () => clock.monotonic,
  });
  return { rotator, lines };
}

/** Checks for a minute, every five seconds. */
async function minute(rotator: CertificateRotator, clock: Clock): Promise<void> {
  for (let checks = 0; checks < 12; checks++) {
    await rotator.check();
    clock.pass(5 * SECOND);
  }
}

/** Returns whether a client that trusts only these certificates accepts the one that is served. */
function isTrusted(cert: string, bundle: string): boolean {
  const leaf = new X509Certificate(cert);
  // As clients do, for a self-signed certificate that is trusted itself.
  if (bundle.includes(cert)) return true;
  return (bundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [])
    .map((pem) => new X509Certificate(pem))
    .some((authority) => leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
}

function state(api: Objects): ReturnType<typeof readState>['state'] {
  return readState(api.data, api.bundles, NAMES, api.requested).state;
}

describe('the rotation of certificates', () => {
  it('fills an empty Secret and the bundles, with what TLS accepts', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator, lines } = rotatorOf(api, clock);
    await rotator.check();
    expect(api.writes).toEqual([
      'Secret ca.crt,ca.key,tls.crt,tls.key,next-ca.crt,next-ca.key',
      'mutating',
      'validating',
    ]);
    expect(Object.keys(api.data).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
    const served = readCertificate({ cert: api.data['tls.crt'] ?? '', key: api.data['tls.key'] ?? '' });
    expect(served.notBefore).toEqual(new Date(START - 3_600 * SECOND));
    expect(served.notAfter).toEqual(new Date(START + 90 * DAY));
    const [leaf, authority] = [
      new X509Certificate(api.data['tls.crt'] ?? ''),
      new X509Certificate(api.data['ca.crt'] ?? ''),
    ];
    expect([leaf.ca, authority.ca]).toEqual([false, true]);
    expect(leaf.subjectAltName).toBe(NAMES.map((name) => `DNS:${name}`).join(', '));
    for (const bundle of api.bundles) expect(isTrusted(served.cert, bundle)).toBe(true);
    await minute(rotator, clock);
    expect(api.writes).toHaveLength(3);
    expect(lines.join('')).not.toContain('PRIVATE KEY');
  });

  it.each<[string, (api: Objects) => void]>([
    ['a renewal of the authority', (api) => (api.requested = 'ca')],
    ['a renewal of the certificate', (api) => (api.requested = 'certificate')],
    ['a Secret that was emptied', (api) => (api.data = {})],
    ['the certificate of another tool', (api) => takenOver(api)],
  ])('loses no trust when it ends before or after each write of %s', async (_, begin) => {
    // A run without an end tells how many writes there are.
    let writes = 1;
    for (let end = -1; end < writes * 2; end++) {
      const [api, clock] = [new Objects(), new Clock()];
      await rotatorOf(api, clock).rotator.check();
      const before = api.writes.length;
      const own = api.data['tls.crt'] ?? '';
      begin(api);
      // One replica reads the Secret after each write, and the other only after all of them.
      const last = api.bundles.includes(foreign.cert) ? foreign.cert : own;
      let served = last;
      const check = (write: string): void => {
        for (const cert of [last, served, api.data['tls.crt'] ?? served])
          for (const bundle of api.bundles) expect(isTrusted(cert, bundle), `${write}, end ${end}`).toBe(true);
        served = api.data['tls.crt'] ?? served;
      };
      let points = 0;
      const point = (): void => {
        if (points++ === end) throw new Killed('killed');
      };
      api.before = point;
      api.after = (write) => {
        check(write);
        point();
      };
      const killed = rotatorOf(api, clock).rotator;
      let alive = true;
      for (let checks = 0; checks < 12 && alive; checks++) {
        for (let steps = 0, kind = ''; steps < 10 && kind !== 'wait' && alive; steps++)
          kind = await killed.step().catch((error: unknown) => {
            expect(error).toBeInstanceOf(Killed);
            alive = false;
            return 'wait' as const;
          });
        clock.pass(5 * SECOND);
      }
      expect(alive).toBe(end < 0);
      api.before = () => undefined;
      api.after = check;
      await minute(rotatorOf(api, clock).rotator, clock);
      if (end < 0) writes = api.writes.length - before;
      const { authority, serving, trusted, next } = state(api);
      expect([serving?.issuer, next]).toEqual([authority?.id, undefined]);
      expect(trusted[0]).toBe(authority?.id);
      for (const bundle of state(api).bundles) expect(bundle).toEqual(trusted);
    }
    expect(writes).toBeGreaterThan(0);
  });

  it('replaces the authority as asked, also if the certificate is renewed meanwhile', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator } = rotatorOf(api, clock);
    await rotator.check();
    const before = state(api).authority?.id;
    api.requested = 'ca';
    delete api.data['tls.crt'];
    await minute(rotator, clock);
    expect(api.requested).toBeUndefined();
    expect(state(api).authority?.id).not.toBe(before);
    expect(state(api).serving?.issuer).toBe(state(api).authority?.id);
  });

  it('says once that it does not know what is asked for', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator, lines } = rotatorOf(api, clock);
    api.requested = 'CA';
    await minute(rotator, clock);
    await minute(rotator, clock);
    expect(lines.filter((line) => line.includes('has no effect: use \\"certificate\\" or'))).toHaveLength(1);
  });

  it('removes an authority only a day after the certificate of the next one', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator } = rotatorOf(api, clock);
    await rotator.check();
    api.requested = 'ca';
    await minute(rotator, clock);
    expect(state(api).trusted).toHaveLength(2);
    clock.pass(DAY - 120 * SECOND);
    await rotator.check();
    expect(state(api).trusted).toHaveLength(2);
    clock.pass(120 * SECOND);
    await rotator.check();
    expect(state(api).trusted).toEqual([state(api).authority?.id]);
    expect(state(api).bundles).toEqual(Array.from({ length: 4 }, () => state(api).trusted));
  });

  it('does nothing while another process leads, and does not count what it saw before', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    let leading = true;
    const { rotator } = rotatorOf(api, clock, () => leading);
    await rotator.check();
    api.requested = 'ca';
    await rotator.check();
    const { next } = state(api);
    leading = false;
    clock.pass(60 * SECOND);
    const before = api.writes.length;
    await rotator.check();
    expect(api.writes).toHaveLength(before);
    leading = true;
    await rotator.check();
    clock.pass(29 * SECOND);
    await rotator.check();
    expect(state(api).next).toEqual(next);
    clock.pass(SECOND);
    await rotator.check();
    expect(state(api).authority).toEqual(next);
  });

  it('starts again after a conflict without an error, and reports another error once', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator, lines } = rotatorOf(api, clock);
    api.before = () => {
      throw new ApiError(409, 'the object has been modified');
    };
    await rotator.check();
    expect(lines).toEqual([]);
    api.before = () => {
      throw new ApiError(403, 'forbidden');
    };
    await rotator.check();
    await rotator.check();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'error', msg: 'cannot renew the certificate or its caBundle; trying again', reason: 'forbidden' },
    ]);
    api.before = () => undefined;
    await rotator.check();
    expect(state(api).serving?.issuer).toBe(state(api).authority?.id);
  });

  it('never takes back the bundle of a faster process', async () => {
    const [api, clock] = [new Objects(), new Clock()];
    await rotatorOf(api, clock).rotator.check();
    // The slow one has read everything, and then the fast one begins a rotation.
    const [slow, fast] = [rotatorOf(api, clock).rotator, rotatorOf(api, clock).rotator];
    const secret = api.secret.bind(api);
    api.configurationsNow[0] = { ...(api.configurationsNow[0] as WebhookConfiguration), bundles: ['', ''] };
    api.secret = async () => {
      const read = await secret();
      api.secret = secret;
      api.requested = 'ca';
      await fast.check();
      return read;
    };
    await slow.check();
    for (const bundle of state(api).bundles) expect(bundle).toContain(state(api).next?.id);
  });

  it.each<[string, (data: Record<string, string>) => Record<string, string>]>([
    ['no key of the authority', ({ 'ca.key': _, ...rest }) => rest],
    ['no certificate', ({ 'tls.crt': _, ...rest }) => rest],
    ['a key of another certificate', (data) => ({ ...data, 'tls.key': foreign.key })],
    ['a certificate for other names', (data) => ({ ...data, 'tls.crt': foreign.cert, 'tls.key': foreign.key })],
    ['half an authority', (data) => ({ ...data, 'ca.crt': (data['ca.crt'] ?? '').slice(0, 100) })],
    [
      'nonsense',
      () => ({ 'ca.crt': 'x', 'ca.key': 'y', 'tls.crt': 'z', 'next-ca.crt': '-----BEGIN CERTIFICATE-----' }),
    ],
    ['a next authority without its key', (data) => ({ ...data, 'next-ca.crt': foreignAuthority.cert })],
  ])('recovers from a Secret with %s', async (_, damage) => {
    const [api, clock] = [new Objects(), new Clock()];
    const { rotator } = rotatorOf(api, clock);
    await rotator.check();
    api.data = damage(api.data);
    await minute(rotator, clock);
    const { authority, serving, bundles, trusted } = state(api);
    expect(serving?.issuer).toBe(authority?.id);
    expect(trusted[0]).toBe(authority?.id);
    for (const bundle of bundles) expect(bundle).toEqual(trusted);
  });
});

const validity = { notBefore: new Date(START - DAY), notAfter: new Date(START + 50 * DAY) };
const foreign = selfSigned({ names: ['elsewhere.svc'], ...validity });
const foreignAuthority = certificateAuthority({ name: 'another', ...validity });

/** Another tool provided the certificate so far, and its bundle is still there. */
function takenOver(api: Objects): void {
  api.data = {};
  api.configurationsNow = api.configurationsNow.map((each) => ({
    ...each,
    bundles: each.bundles.map(() => foreign.cert),
  }));
}
