import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The content of a self-signed certificate. */
export interface CertificateRequest {
  /** The DNS names and IPv4 addresses of the server; the first is its common name. */
  readonly names: readonly [string, ...string[]];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Returns a new ECDSA key (P-256) and a self-signed certificate for it, for a TLS server (X.509 v3, RFC 5280). One
 * certificate needs only these few DER structures. Libraries for them bring twenty packages and a patch of the global
 * Reflect.
 */
export function selfSigned({ names, notBefore, notAfter }: CertificateRequest): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid(COMMON_NAME), der(UTF8_STRING, Buffer.from(names[0])))));
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(names, publicKey))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(signature));
  return { cert: pem('CERTIFICATE', certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
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

const COMMON_NAME = '550403'; // 2.5.4.3
const SUBJECT_KEY_IDENTIFIER = '551d0e'; // 2.5.29.14
const KEY_USAGE = '551d0f'; // 2.5.29.15
const SUBJECT_ALT_NAME = '551d11'; // 2.5.29.17
const BASIC_CONSTRAINTS = '551d13'; // 2.5.29.19
const EXTENDED_KEY_USAGE = '551d25'; // 2.5.29.37
const SERVER_AUTH = '2b06010505070301'; // 1.3.6.1.5.5.7.3.1
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302')); // 1.2.840.10045.4.3.2

function extensions(names: readonly string[], publicKey: KeyObject): Buffer[] {
  const critical = Buffer.from([0x01, 0x01, 0xff]);
  const keyId = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  const digitalSignature = Buffer.from([BIT_STRING, 0x02, 0x07, 0x80]);
  const alternatives = names.map((name) =>
    isIP(name) === 4 ? der(IP_ADDRESS, Buffer.from(name.split('.').map(Number))) : der(DNS_NAME, Buffer.from(name)),
  );
  return [
    sequence(oid(BASIC_CONSTRAINTS), critical, der(OCTET_STRING, sequence())),
    sequence(oid(KEY_USAGE), critical, der(OCTET_STRING, digitalSignature)),
    sequence(oid(EXTENDED_KEY_USAGE), der(OCTET_STRING, sequence(oid(SERVER_AUTH)))),
    sequence(oid(SUBJECT_KEY_IDENTIFIER), der(OCTET_STRING, der(OCTET_STRING, keyId))),
    sequence(oid(SUBJECT_ALT_NAME), der(OCTET_STRING, sequence(...alternatives))),
  ];
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
