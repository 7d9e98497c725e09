import { describe, expect, it } from 'vitest';
import { selfSigned } from '../certificate.ts';
import { createLog } from '../log.ts';
import type { SecretData } from './secret-content.ts';
import { SecretCertificate } from './secret-certificate.ts';

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

function pair(from = -1): SecretData {
  const { cert, key } = selfSigned({
    names: ['rollgate.rollgate.svc'],
    notBefore: new Date(NOW + from * DAY),
    notAfter: new Date(NOW + (from + 30) * DAY),
  });
  return { 'tls.crt': cert, 'tls.key': key };
}

async function opened(read: () => SecretData): Promise<{
  certificate: SecretCertificate;
  lines: () => Record<string, unknown>[];
  expiries: Date[];
}> {
  const written: string[] = [];
  const expiries: Date[] = [];
  const certificate = await SecretCertificate.open({
    secret: 'rollgate/rollgate-certificates',
    names: ['rollgate.rollgate.svc'],
    interval: 3_600_000,
    log: createLog('info', { write: (line: string) => void written.push(line) }),
    metrics: { reloaded: () => undefined, serving: (notAfter) => void expiries.push(notAfter) },
    now: () => NOW,
    read: () => new Promise((resolve) => resolve(read())),
  });
  certificate.stop();
  return { certificate, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>), expiries };
}

describe('the certificate in a Secret', () => {
  it('is served from the start if it is there', async () => {
    const secret = pair();
    const { certificate } = await opened(() => secret);
    expect(certificate.whyMissing()).toBeUndefined();
    expect(certificate.current.cert).toBe(secret['tls.crt']);
  });

  it('may come later: until then a placeholder is served, and the reason why it is not ready is given', async () => {
    let secret: SecretData = {};
    const { certificate, lines, expiries } = await opened(() => secret);
    const served: string[] = [];
    certificate.onChange(({ cert }) => served.push(cert));
    expect(certificate.whyMissing()).toBe('Secret rollgate/rollgate-certificates has no certificate yet');
    expect([lines(), expiries]).toEqual([[], []]);
    secret = pair();
    await certificate.check();
    expect(certificate.whyMissing()).toBeUndefined();
    expect(served).toEqual([secret['tls.crt']]);
    expect(certificate.current.cert).toBe(secret['tls.crt']);
    expect(expiries).toEqual([new Date(NOW + 29 * DAY)]);
  });

  it('stays while the Secret cannot be read, is empty or has no valid one', async () => {
    const first = pair();
    let read = (): SecretData => first;
    const { certificate, lines } = await opened(() => read());
    for (const [next, reason] of [
      [{}, 'tls.crt contains no certificate'],
      [{ ...pair(), 'tls.key': first['tls.key'] ?? '' }, 'tls.key does not match the certificate in tls.crt'],
      [pair(1), 'the certificate is not valid before 2026-01-02T00:00:00.000Z'],
    ] as const) {
      read = () => next;
      await certificate.check();
      await certificate.check();
      expect(lines().at(-1)).toMatchObject({
        level: 'error',
        msg: 'cannot use the new certificate; the previous one stays active',
        secret: 'rollgate/rollgate-certificates',
        reason: expect.stringContaining(reason) as string,
      });
    }
    read = () => {
      throw new Error('the API server gave no answer in time');
    };
    await certificate.check();
    expect(lines()).toHaveLength(5);
    expect(certificate.current.cert).toBe(first['tls.crt']);
    expect(JSON.stringify(lines())).not.toContain('PRIVATE KEY');
  });

  it('says which Secret cannot be read at the start, and tries again', async () => {
    let read = (): SecretData => {
      throw new Error('secrets "rollgate-certificates" is forbidden');
    };
    const { certificate, lines } = await opened(() => read());
    expect(lines()).toMatchObject([
      {
        secret: 'rollgate/rollgate-certificates',
        reason: 'secrets "rollgate-certificates" is forbidden',
        msg: 'cannot read a certificate from the Secret; trying again',
      },
    ]);
    read = () => pair();
    await certificate.check();
    expect(certificate.whyMissing()).toBeUndefined();
  });
});
