import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The DNS names and IPv4 addresses of a certificate; the first is its common name. */
export type CertificateNames = readonly [string, ...string[]];

/** The content of a certificate of a TLS server. */
export interface CertificateRequest {
  readonly names: CertificateNames;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Returns a new ECDSA key (P-256) and a self-signed certificate for it, for a TLS server (X.509 v3, RFC 5280). Such
 * certificates need only these few DER structures. Libraries for them bring twenty packages and a patch of the global
 * Reflect.
 */
export function selfSigned(request: CertificateRequest): KeyPair {
  return created({ ...request, subject: request.names[0] }, serverExtensions(request.names));
}

/** Returns a new ECDSA key (P-256) and the certificate of an authority that signs with it. */
export function certificateAuthority(content: {
  readonly name: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}): KeyPair {
  return created({ ...content, subject: content.name }, AUTHORITY_EXTENSIONS);
}

/**
 * Returns a new ECDSA key (P-256) and a certificate for it, for a TLS server.
 *
 * @param authority - A result of `certificateAuthority`.
 * @throws An Error if the authority is another kind of certificate.
 */
export function issued(request: CertificateRequest, authority: KeyPair): KeyPair {
  const certificate = new X509Certificate(authority.cert);
  const [, name = ''] = /^CN=([^\n]+)$/.exec(certificate.subject) ?? [];
  const key = createPrivateKey(authority.key);
  const pair = created({ ...request, subject: request.names[0] }, serverExtensions(request.names), {
    name,
    key,
    publicKey: certificate.publicKey,
  });
  const leaf = new X509Certificate(pair.cert);
  if (!leaf.checkIssued(certificate) || !leaf.verify(certificate.publicKey))
    throw new Error('the certificate authority was not made by Rollgate');
  return pair;
}

interface Content {
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

/** Without an issuer the certificate is self-signed. */
function created({ subject, notBefore, notAfter }: Content, extensions: readonly Buffer[], issuer?: Issuer): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer?.name ?? subject),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions, ...keyIdentifiers(publicKey, issuer?.publicKey))),
  );
  const signature = sign('sha256', body, issuer?.key ?? privateKey);
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(signature));
  return { cert: pem('CERTIFICATE', certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid(COMMON_NAME), der(UTF8_STRING, Buffer.from(commonName)))));
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
// In a SubjectAlternativeName.
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
// In an AuthorityKeyIdentifier.
const KEY_IDENTIFIER = 0x80;

const COMMON_NAME = '550403'; // 2.5.4.3
const SUBJECT_KEY_IDENTIFIER = '551d0e'; // 2.5.29.14
const KEY_USAGE = '551d0f'; // 2.5.29.15
const SUBJECT_ALT_NAME = '551d11'; // 2.5.29.17
const BASIC_CONSTRAINTS = '551d13'; // 2.5.29.19
const AUTHORITY_KEY_IDENTIFIER = '551d23'; // 2.5.29.35
const EXTENDED_KEY_USAGE = '551d25'; // 2.5.29.37
const SERVER_AUTH = '2b06010505070301'; // 1.3.6.1.5.5.7.3.1
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302')); // 1.2.840.10045.4.3.2

const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const CRITICAL = TRUE;

const AUTHORITY_EXTENSIONS: readonly Buffer[] = [
  // It signs certificates of servers only.
  sequence(oid(BASIC_CONSTRAINTS), CRITICAL, der(OCTET_STRING, sequence(TRUE, integer(Buffer.from([0]))))),
  // Certificates and revocation lists.
  sequence(oid(KEY_USAGE), CRITICAL, der(OCTET_STRING, Buffer.from([BIT_STRING, 0x02, 0x01, 0x06]))),
];

function serverExtensions(names: readonly string[]): Buffer[] {
  const digitalSignature = Buffer.from([BIT_STRING, 0x02, 0x07, 0x80]);
  const alternatives = names.map((name) =>
    isIP(name) === 4 ? der(IP_ADDRESS, Buffer.from(name.split('.').map(Number))) : der(DNS_NAME, Buffer.from(name)),
  );
  return [
    sequence(oid(BASIC_CONSTRAINTS), CRITICAL, der(OCTET_STRING, sequence())),
    sequence(oid(KEY_USAGE), CRITICAL, der(OCTET_STRING, digitalSignature)),
    sequence(oid(EXTENDED_KEY_USAGE), der(OCTET_STRING, sequence(oid(SERVER_AUTH)))),
    sequence(oid(SUBJECT_ALT_NAME), der(OCTET_STRING, sequence(...alternatives))),
  ];
}

// While two authorities are trusted, clients find the one that signed by its key.
function keyIdentifiers(own: KeyObject, issuer: KeyObject | undefined): Buffer[] {
  return [
    sequence(oid(SUBJECT_KEY_IDENTIFIER), der(OCTET_STRING, der(OCTET_STRING, keyId(own)))),
    ...(issuer === undefined
      ? []
      : [sequence(oid(AUTHORITY_KEY_IDENTIFIER), der(OCTET_STRING, sequence(der(KEY_IDENTIFIER, keyId(issuer)))))]),
  ];
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

// Positive, never zero, and always of full length.
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body)]), body]);
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(SEQUENCE, ...content);
}

function set(...content: readonly Buffer[]): Buffer {
  return der(SET, ...content);
}

function integer(bytes: Buffer): Buffer {
  return der(INTEGER, bytes);
}

function oid(hex: string): Buffer {
  return der(OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
}

function bitString(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.from([0]), bytes);
}

// Until 2049 the year has two digits.
function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? der(UTC_TIME, Buffer.from(digits.slice(2)))
    : der(GENERALIZED_TIME, Buffer.from(digits));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
