import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { certificateAuthority, issued, type CertificateNames, type KeyPair } from '../certificate.ts';
import {
  AUTHORITY_LIFETIME,
  BACKDATED,
  CERTIFICATE_LIFETIME,
  type Authority,
  type CertificateAction,
  type CertificateState,
} from './next-action.ts';

/** The texts in the Secret, by key. */
export type SecretData = Readonly<Record<string, string>>;

/** The annotation of the Secret by which a person asks for a renewal: `certificate` or `ca`. */
export const RENEW = 'rollgate.io/renew';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** An action that writes the Secret. */
export type SecretAction = Exclude<CertificateAction, { readonly kind: 'trust' | 'wait' }>;

/** A state with what it was read from. */
export interface ReadState {
  readonly state: CertificateState;
  /** Every certificate in `ca.crt`, `next-ca.crt` and the bundles, in PEM, by id. */
  readonly certificates: ReadonlyMap<string, string>;
}

/**
 * Returns the state that the Secret and the webhook configurations describe.
 *
 * @param bundles - The `caBundle` of each webhook, in PEM.
 * @param requested - The annotation `rollgate.io/renew`.
 */
export function readState(
  data: SecretData,
  bundles: readonly string[],
  names: CertificateNames,
  requested: string | undefined,
): ReadState {
  const certificates = new Map<string, string>();
  const idsOf = (text: string): string[] => {
    const read = certificatesOf(text);
    for (const certificate of read) certificates.set(certificate.fingerprint256, certificate.toString());
    return [...new Set(read.map(({ fingerprint256 }) => fingerprint256))];
  };
  const trusted = idsOf(data['ca.crt'] ?? '');
  idsOf(data['next-ca.crt'] ?? '');
  return {
    state: {
      authority: authorityOf(data['ca.crt'], data['ca.key']),
      next: authorityOf(data['next-ca.crt'], data['next-ca.key']),
      trusted,
      serving: servingOf(data, names),
      bundles: bundles.map(idsOf),
      requested: requested === 'certificate' || requested === 'ca' ? requested : undefined,
    },
    certificates,
  };
}

/** Returns what `caBundle` and `ca.crt` contain for these ids. */
export function bundleOf(ids: readonly string[], certificates: ReadonlyMap<string, string>): string {
  return ids.map((id) => certificates.get(id) ?? '').join('');
}

/**
 * Returns what an action changes in the Secret. Undefined removes a key.
 *
 * @param now - Milliseconds since the epoch.
 */
export function changesFor(
  action: SecretAction,
  data: SecretData,
  { certificates }: Pick<ReadState, 'certificates'>,
  names: CertificateNames,
  now: number,
): Readonly<Record<string, string | undefined>> {
  switch (action.kind) {
    case 'create': {
      const authority = newAuthority(now);
      return {
        'ca.crt': authority.cert,
        'ca.key': authority.key,
        ...newCertificate(authority, names, now),
        ...NO_NEXT,
      };
    }
    case 'prepare': {
      const { cert, key } = newAuthority(now);
      return { 'ca.crt': bundleOf(action.trusted, certificates), 'next-ca.crt': cert, 'next-ca.key': key };
    }
    case 'switch': {
      const next = { cert: data['next-ca.crt'] ?? '', key: data['next-ca.key'] ?? '' };
      return {
        'ca.crt': `${next.cert}${data['ca.crt'] ?? ''}`,
        'ca.key': next.key,
        ...newCertificate(next, names, now),
        ...NO_NEXT,
      };
    }
    case 'renew': {
      const key = data['ca.key'] ?? '';
      const authority = withKey(data['ca.crt'], key);
      if (authority === undefined) throw new Error('the Secret has no CA to renew the certificate with');
      return newCertificate({ cert: authority.toString(), key }, names, now);
    }
    case 'retire':
      return { 'ca.crt': bundleOf(action.trusted, certificates) };
  }
}

const NO_NEXT = { 'next-ca.crt': undefined, 'next-ca.key': undefined };

function newAuthority(now: number): KeyPair {
  // A name of its own, so that two of them can be told apart.
  return certificateAuthority({
    name: `rollgate-ca-${randomBytes(4).toString('hex')}`,
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(now + AUTHORITY_LIFETIME),
  });
}

function newCertificate(authority: KeyPair, names: CertificateNames, now: number): Record<string, string> {
  const limit = new X509Certificate(authority.cert).validToDate.getTime();
  const { cert, key } = issued(
    { names, notBefore: new Date(now - BACKDATED), notAfter: new Date(Math.min(now + CERTIFICATE_LIFETIME, limit)) },
    authority,
  );
  return { 'tls.crt': cert, 'tls.key': key };
}

function authorityOf(cert = '', key = ''): Authority | undefined {
  const certificate = withKey(cert, key);
  if (certificate?.ca !== true) return undefined;
  return { id: certificate.fingerprint256, ...validityOf(certificate) };
}

/** Returns the certificate of the authorities that has this key. */
function withKey(cert = '', key = ''): X509Certificate | undefined {
  try {
    const privateKey = createPrivateKey(key);
    return certificatesOf(cert).find((certificate) => certificate.checkPrivateKey(privateKey));
  } catch {
    return undefined;
  }
}

function servingOf(data: SecretData, names: CertificateNames): CertificateState['serving'] {
  const certificate = withKey(data['tls.crt'], data['tls.key']);
  if (certificate === undefined || names.some((name) => certificate.checkHost(name) === undefined)) return undefined;
  const issuer = certificatesOf(data['ca.crt'] ?? '').find(
    (each) => certificate.checkIssued(each) && certificate.verify(each.publicKey),
  );
  return issuer === undefined ? undefined : { issuer: issuer.fingerprint256, ...validityOf(certificate) };
}

function validityOf(certificate: X509Certificate): { notBefore: number; notAfter: number } {
  return { notBefore: certificate.validFromDate.getTime(), notAfter: certificate.validToDate.getTime() };
}

/** Returns the certificates of a text, without those that cannot be read. */
function certificatesOf(text: string): X509Certificate[] {
  return (text.match(PEM) ?? []).flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}
