import { createHash, X509Certificate } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { certificateAuthority, issued, selfSigned, type KeyPair } from '../../src/server/certificate.ts';
import { createLog } from '../../src/server/log.ts';
import { FileCertificate, generatedCertificate, readCertificate, whyInvalid } from '../../src/server/tls.ts';
import { metric, testApp } from '../support/app.ts';
import { asFiles, certificate, MountedSecret } from '../support/certificates.ts';
import { reviewOf, SHOP, shopObject } from '../support/reviews.ts';
import { ask, fixedCertificate, startTestServer } from '../support/server.ts';

const DAY = 86_400_000;
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function mounted(pair: KeyPair): Promise<MountedSecret> {
  const secret = await MountedSecret.mount(asFiles(pair));
  cleanup.push(() => secret.unmount());
  return secret;
}

async function opened(
  secret: MountedSecret,
  interval: number,
): Promise<{
  source: FileCertificate;
  lines: Record<string, unknown>[];
  metrics: ReturnType<typeof testApp>['metrics'];
}> {
  const { metrics } = testApp('');
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const source = await FileCertificate.open({ directory: secret.directory, interval, log, metrics, now: Date.now });
  cleanup.push(() => source.stop());
  return { source, lines, metrics };
}

describe('a self-signed certificate', () => {
  const notBefore = new Date('2026-01-02T03:04:05Z');

  it('has the requested content', () => {
    const { cert, key } = selfSigned({
      names: ['localhost', '127.0.0.1', 'gate.example'],
      notBefore,
      notAfter: new Date('2051-12-31T23:59:59Z'),
    });
    const read = new X509Certificate(cert);
    expect(read.subject).toBe('CN=localhost');
    expect(read.issuer).toBe('CN=localhost');
    expect(read.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, DNS:gate.example');
    expect(new Date(read.validFrom)).toEqual(notBefore);
    expect(new Date(read.validTo)).toEqual(new Date('2051-12-31T23:59:59Z'));
    expect(read.ca).toBe(false);
    expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(readCertificate({ cert, key })).toMatchObject({
      notBefore,
      fingerprint: createHash('sha256')
        .update(read.raw)
        .digest('hex')
        .toUpperCase()
        .replace(/..(?=.)/g, '$&:'),
    });
  });

  it('never has a negative or repeated serial number, or one of another length', () => {
    const serials = Array.from({ length: 50 }, () => new X509Certificate(certificate().cert).serialNumber);
    expect(new Set(serials).size).toBe(50);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('is accepted by a client that trusts it, for its names only', async () => {
    const pair = certificate();
    const server = await startTestServer(SHOP, { certificate: fixedCertificate(pair) });
    cleanup.push(() => server.stop());
    const visit = (servername: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: server.running.port, ca: pair.cert, servername }, () => {
          resolve(true);
          socket.destroy();
        }).once('error', () => resolve(false));
      });
    expect(await visit('localhost')).toBe(true);
    expect(await visit('gate.example')).toBe(false);
  });

  it('that is made at the start is valid for years', () => {
    const { current } = generatedCertificate(['localhost', '127.0.0.1']);
    expect(whyInvalid(current, Date.now())).toBeUndefined();
    expect(whyInvalid(current, Date.now() + 800 * DAY)).toBeUndefined();
    expect(whyInvalid(current, Date.now() + 900 * DAY)).toBe(
      `the certificate expired at ${current.notAfter.toISOString()}`,
    );
    expect(whyInvalid(current, Date.now() - 2 * DAY)).toBe(
      `the certificate is not valid before ${current.notBefore.toISOString()}`,
    );
  });
});

describe('a certificate of an authority', () => {
  const validity = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) };
  const [old, next] = ['old', 'next'].map((name) => certificateAuthority({ name, ...validity })) as [KeyPair, KeyPair];

  it('is accepted by a client that trusts this authority, alone or among others, and by no other', async () => {
    const pair = issued({ names: ['localhost'], ...validity }, next);
    const server = await startTestServer(SHOP, { certificate: fixedCertificate(pair) });
    cleanup.push(() => server.stop());
    const visit = (ca: string): Promise<boolean> =>
      new Promise((resolve) => {
        const { port } = server.running;
        const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => {
          resolve(true);
          socket.destroy();
        }).once('error', () => resolve(false));
      });
    expect(await visit(next.cert)).toBe(true);
    expect(await visit(old.cert + next.cert)).toBe(true);
    expect(await visit(old.cert)).toBe(false);
  });

  it('has the limits of RFC 5280: the authority signs, and the certificate serves', () => {
    const authority = new X509Certificate(next.cert);
    expect([authority.ca, authority.subject, authority.issuer]).toEqual([true, 'CN=next', 'CN=next']);
    expect(authority.verify(authority.publicKey)).toBe(true);
    const leaf = new X509Certificate(issued({ names: ['gate.example'], ...validity }, next).cert);
    expect([leaf.ca, leaf.subject, leaf.issuer]).toEqual([false, 'CN=gate.example', 'CN=next']);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.checkIssued(new X509Certificate(old.cert))).toBe(false);
  });

  it('is not issued by a certificate that is no authority', () => {
    expect(() => issued({ names: ['localhost'], ...validity }, certificate())).toThrow(
      'the certificate authority was not made by Rollgate',
    );
  });
});

describe('the server', () => {
  it.each<[SecureVersion, 'TLSv1.2' | 'TLSv1.3', boolean]>([
    ['TLSv1.3', 'TLSv1.3', true],
    ['TLSv1.2', 'TLSv1.3', false],
    ['TLSv1.2', 'TLSv1.2', true],
    ['TLSv1.1', 'TLSv1.2', false],
  ])('with a client of %s and a least version of %s: %s', async (client, least, accepted) => {
    const server = await startTestServer(SHOP, { minTlsVersion: least });
    cleanup.push(() => server.stop());
    const protocol = await new Promise((resolve) => {
      const socket = connect(
        {
          host: '127.0.0.1',
          port: server.running.port,
          maxVersion: client,
          minVersion: client,
          rejectUnauthorized: false,
          ciphers: 'DEFAULT@SECLEVEL=0',
        },
        () => {
          resolve(socket.getProtocol());
          socket.destroy();
        },
      ).once('error', () => resolve(undefined));
    });
    expect(protocol).toBe(accepted ? client : undefined);
  });

  it('speaks HTTP/1.1 only', async () => {
    const server = await startTestServer(SHOP);
    cleanup.push(() => server.stop());
    const offer = (ALPNProtocols: string[]): Promise<string | false | null> =>
      new Promise((resolve) => {
        const socket = connect(
          { host: '127.0.0.1', port: server.running.port, ALPNProtocols, rejectUnauthorized: false },
          () => {
            resolve(socket.alpnProtocol);
            socket.destroy();
          },
        ).once('error', () => resolve('refused'));
      });
    expect(await offer(['h2', 'http/1.1'])).toBe('http/1.1');
    expect(await offer(['h2'])).toBe('refused');
  });
});

describe('a certificate in files', () => {
  it('is reloaded each time the kubelet swaps its link, without losing a connection', async () => {
    const pairs = [certificate(), certificate(), certificate()] as const;
    const serial = (pair: KeyPair): string => new X509Certificate(pair.cert).serialNumber;
    const secret = await mounted(pairs[0]);
    const { source, metrics, lines } = await opened(secret, 10);
    const server = await startTestServer(SHOP, { certificate: source });
    cleanup.push(() => server.stop());
    const { port } = server.running;
    const body = JSON.stringify(reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') }));
    const newcomer = (): Promise<string> => {
      const agent = new https.Agent();
      return ask(port, '/validate', agent, body).then(({ peer }) => peer.serialNumber);
    };
    const agents = [new https.Agent({ keepAlive: true, maxSockets: 1 })];
    cleanup.push(() => agents.forEach((agent) => agent.destroy()));
    const connections = [(await ask(port, '/validate', agents[0] as https.Agent, body)).localPort];

    for (const pair of pairs.slice(1)) {
      await secret.update(asFiles(pair));
      await eventually(async () => expect(await newcomer()).toBe(serial(pair)));
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      agents.push(agent);
      connections.push((await ask(port, '/validate', agent, body)).localPort);
      for (const [index, old] of agents.entries()) {
        const { status, localPort, peer } = await ask(port, '/validate', old, body);
        expect([status, localPort]).toEqual([200, connections[index]]);
        expect(peer.serialNumber).toBe(serial(pairs[index] as KeyPair));
      }
    }
    expect(await metric(metrics, 'rollgate_certificate_reloads_total{result="success"}')).toBe(2);
    expect(await metric(metrics, 'rollgate_certificate_not_after_timestamp_seconds')).toBe(
      source.current.notAfter.getTime() / 1000,
    );
    expect(lines.filter(({ msg }) => msg === 'certificate reloaded')).toHaveLength(2);
  });

  it.each<[string, () => Record<string, string>, string]>([
    [
      'a key of another certificate',
      () => ({ 'tls.crt': certificate().cert, 'tls.key': certificate().key }),
      'tls.key does not match the certificate in tls.crt',
    ],
    ['no certificate', () => ({ ...asFiles(certificate()), 'tls.crt': 'nonsense' }), 'tls.crt contains no certificate'],
    [
      'half a certificate',
      () => ({ ...asFiles(certificate()), 'tls.crt': certificate().cert.slice(0, 200) }),
      'tls.crt contains no certificate',
    ],
    ['an empty key', () => ({ ...asFiles(certificate()), 'tls.key': '' }), 'tls.key contains no private key'],
    ['one that expired', () => asFiles(certificate({ from: -3, until: -1 })), 'the certificate expired at'],
    ['one for tomorrow', () => asFiles(certificate({ from: 1, until: 30 })), 'the certificate is not valid before'],
  ])('keeps the old one when there is %s, says so once, and takes the next good one', async (_name, bad, complaint) => {
    const first = certificate();
    const secret = await mounted(first);
    const { source, metrics, lines } = await opened(secret, 3_600_000);
    const served: string[] = [];
    source.onChange(({ cert }) => served.push(cert));
    await secret.update(bad());
    await source.check();
    await source.check();
    expect(source.current.cert).toBe(first.cert);
    expect(lines).toMatchObject([
      {
        level: 'error',
        msg: 'cannot use the new certificate; the previous one stays active',
        directory: secret.directory,
        reason: expect.stringContaining(complaint) as string,
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
    expect(await metric(metrics, 'rollgate_certificate_reloads_total{result="error"}')).toBe(2);

    const next = certificate();
    await secret.update(asFiles(next));
    await source.check();
    expect(source.current.cert).toBe(next.cert);
    expect(served).toEqual([next.cert]);
  });

  it('stays the old one if the files are deleted', async () => {
    const pair = certificate();
    const secret = await mounted(pair);
    const { source, lines } = await opened(secret, 3_600_000);
    await rm(join(secret.directory, 'tls.crt'));
    await source.check();
    expect(source.current.cert).toBe(pair.cert);
    expect(lines).toMatchObject([{ level: 'error', reason: expect.stringMatching(/ENOENT.*tls\.crt/) as string }]);
    await writeFile(join(secret.directory, 'tls.crt'), pair.cert);
    await source.check();
    await rm(join(secret.directory, 'tls.crt'));
    await source.check();
    expect(lines).toHaveLength(2);
  });

  it('is an error at the start if it is unusable; if it has expired, it is served but the server is not ready', async () => {
    const broken = await mounted({ ...certificate(), key: certificate().key });
    await expect(opened(broken, 3_600_000)).rejects.toThrow(
      `cannot use the certificate in ${broken.directory}: tls.key does not match the certificate in tls.crt`,
    );
    const late = await opened(await mounted(certificate({ from: -3, until: -1 })), 3_600_000);
    const server = await startTestServer(SHOP, { certificate: late.source });
    cleanup.push(() => server.stop());
    const response = await fetch(`http://127.0.0.1:${server.running.healthPort}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain(
      `[-] certificate: the certificate expired at ${late.source.current.notAfter.toISOString()}`,
    );
  });
});
