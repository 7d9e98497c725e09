import { isKubeObject, kindId, type KindId, type KubeObject } from '../world/object.ts';
import { array, dig, isObject, object, optionalString, string, type JsonObject } from '../world/read.ts';

/** Who asks. */
export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What the API server asks (`AdmissionRequest` of admission.k8s.io/v1), with types made sure of. */
export interface Request {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly apiVersion: string;
  readonly kind: string;
  /** The id of the kind; undefined for kinds that Rollgate does not know. */
  readonly kindId: KindId | undefined;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The field manager that the writer named; empty where it left that to the API server, as controllers do. */
  readonly fieldManager: string;
  /** The object as submitted; undefined on DELETE. */
  readonly object: KubeObject | undefined;
  /** The object as stored; undefined on CREATE. */
  readonly oldObject: KubeObject | undefined;
}

/** What came of reading a body. */
export type Parsed =
  | { readonly ok: true; readonly request: Request }
  /** `uid` is there if the body had one: then the answer can be a well-formed AdmissionReview. */
  | { readonly ok: false; readonly uid: string | undefined; readonly error: string };

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;

/** In: the parsed JSON of a body. Out: the request in it, or what is wrong with it. Never throws. */
export function parseReview(body: unknown): Parsed {
  const uid = optionalString(dig(body, 'request', 'uid'));
  const error = problemOf(body);
  if (error !== undefined || uid === undefined) return { ok: false, uid, error: error ?? 'the request has no uid' };
  return requestIn(object(dig(body, 'request')), uid);
}

function problemOf(body: unknown): string | undefined {
  if (!isObject(body)) return 'the body is not an AdmissionReview: a JSON object is needed';
  if (body['kind'] !== 'AdmissionReview')
    return `the body is not an AdmissionReview: its kind is ${quote(body['kind'])}`;
  if (body['apiVersion'] !== 'admission.k8s.io/v1')
    return `only admission.k8s.io/v1 is understood, not ${quote(body['apiVersion'])}`;
  return isObject(body['request']) ? undefined : 'the AdmissionReview has no request';
}

function quote(value: unknown): string {
  return (JSON.stringify(value ?? null) ?? '').slice(0, 80);
}

function requestIn(request: JsonObject, uid: string): Parsed {
  const operation = OPERATIONS.find((candidate) => candidate === request['operation']);
  if (operation === undefined)
    return { ok: false, uid, error: `operation ${quote(request['operation'])} is none of ${OPERATIONS.join(', ')}` };
  const namespace = string(request['namespace']);
  const name = string(request['name']);
  const submitted = asObject(request['object'], namespace, name);
  const stored = asObject(request['oldObject'], namespace, name);
  const subject = submitted ?? stored;
  if (subject === undefined && operation !== 'CONNECT') {
    return {
      ok: false,
      uid,
      error: 'neither request.object nor request.oldObject is a Kubernetes object with apiVersion, kind and metadata',
    };
  }
  const { apiVersion, kind } = subject ?? askedKind(object(request['kind']));
  return {
    ok: true,
    request: {
      uid,
      operation,
      apiVersion,
      kind,
      kindId: kindId(apiVersion, kind),
      resource: string(dig(request, 'resource', 'resource')),
      subresource: string(request['subResource']),
      namespace,
      name: subject?.metadata.name ?? name,
      user: userInfo(request['userInfo']),
      dryRun: request['dryRun'] === true,
      fieldManager: string(dig(request, 'options', 'fieldManager')),
      object: operation === 'DELETE' ? undefined : submitted,
      oldObject: operation === 'CREATE' ? undefined : stored,
    },
  };
}

function askedKind(kind: JsonObject): { apiVersion: string; kind: string } {
  const group = string(kind['group']);
  return { apiVersion: group === '' ? 'v1' : `${group}/${string(kind['version'])}`, kind: string(kind['kind']) };
}

/** In: a `userInfo` as it came. Out: it, with types made sure of. */
export function userInfo(raw: unknown): UserInfo {
  return {
    username: string(dig(raw, 'username')),
    uid: string(dig(raw, 'uid')),
    groups: array(dig(raw, 'groups')).map(string),
    extra: Object.fromEntries(
      Object.entries(object(dig(raw, 'extra'))).map(([key, values]) => [key, array(values).map(string)]),
    ),
  };
}

// The namespace of the request is the truth, and an object created by generateName has no name yet.
function asObject(raw: unknown, namespace: string, name: string): KubeObject | undefined {
  if (
    !isObject(raw) ||
    typeof raw['apiVersion'] !== 'string' ||
    typeof raw['kind'] !== 'string' ||
    !isObject(raw['metadata'])
  )
    return undefined;
  const metadata = raw['metadata'];
  const own = optionalString(metadata['name']) ?? (name === '' ? string(metadata['generateName']) : name);
  const fixed = { ...metadata, name: own, ...(namespace === '' ? {} : { namespace }) };
  const candidate = { ...raw, metadata: fixed };
  return isKubeObject(candidate) ? candidate : undefined;
}
