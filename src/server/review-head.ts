import type { Request } from '../admission/review.ts';
import { kindId } from '../world/object.ts';
import { asString, dig, optionalString } from '../world/read.ts';

/** How many bytes of a body are its head. Kubernetes names and the name of a user together are shorter. */
export const HEAD_BYTES = 16 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING: Readonly<Record<number, string>> = { 0x7b: '}', 0x5b: ']' };
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
// Of a uid. The API server sends 36 characters.
const LONGEST_UID = 128;

/**
 * Returns the request at the start of an AdmissionReview that is too large to be read, without its objects. The API
 * server writes uid, kind, name, namespace, operation and user first. Returns undefined if there is no uid among the
 * first bytes: then no review can be answered.
 */
export function readHead(bytes: Uint8Array): Request | undefined {
  const review = parseStart(Buffer.from(bytes.subarray(0, HEAD_BYTES)));
  const uid = optionalString(dig(review, 'request', 'uid'));
  if (uid === undefined || uid === '' || uid.length > LONGEST_UID) return undefined;
  if (dig(review, 'kind') !== 'AdmissionReview' || dig(review, 'apiVersion') !== 'admission.k8s.io/v1')
    return undefined;
  const request = dig(review, 'request');
  const [group, version, kind] = ['group', 'version', 'kind'].map((key) => asString(dig(request, 'kind', key)));
  const apiVersion = group === '' ? `${version}` : `${group}/${version}`;
  return {
    uid,
    operation: OPERATIONS.find((candidate) => candidate === dig(request, 'operation')) ?? 'UPDATE',
    apiVersion,
    kind: kind ?? '',
    kindId: kindId(apiVersion, kind ?? ''),
    resource: asString(dig(request, 'resource', 'resource')),
    subresource: asString(dig(request, 'subResource')),
    namespace: asString(dig(request, 'namespace')),
    name: asString(dig(request, 'name')),
    user: { username: asString(dig(request, 'userInfo', 'username')), groups: [], uid: '', extra: {} },
    dryRun: false,
    fieldManager: '',
    object: undefined,
    oldObject: undefined,
  };
}

// Parses what comes before the last comma, with everything closed that is open there.
function parseStart(bytes: Buffer): unknown {
  const open: string[] = [];
  let start = 0;
  let closers = '';
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    const closer = OPENING[byte];
    if (byte === QUOTE) {
      for (index++; index < bytes.length && bytes[index] !== QUOTE; index++) if (bytes[index] === BACKSLASH) index++;
    } else if (closer !== undefined) open.push(closer);
    else if (CLOSING.has(byte)) open.pop();
    else if (byte === COMMA && open.length <= DEEPEST) {
      start = index;
      closers = open.toReversed().join('');
    }
  }
  try {
    return JSON.parse(bytes.toString('utf8', 0, start) + closers);
  } catch {
    return undefined;
  }
}

// What is looked for is at most this deep.
const DEEPEST = 3;
