import { isKubeObject, kindId, type KindId, type KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, asObject, optionalString, asString, type JsonObject } from '../world/read.ts';

/** The user of a request. */
export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** A request of the API server (`AdmissionRequest` of admission.k8s.io/v1), with all types checked. */
export interface Request {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly apiVersion: string;
  readonly kind: string;
  /** The id of the kind. Undefined for kinds that Rollgate does not know. */
  readonly kindId: KindId | undefined;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The field manager that the client named. Empty where it left that to the API server, as controllers do. */
  readonly fieldManager: string;
  /** The object as submitted. Undefined on DELETE. */
  readonly object: KubeObject | undefined;
  /** The object as stored. Undefined on CREATE. */
  readonly oldObject: KubeObject | undefined;
}

/** The result of reading a body. */
export type Parsed =
  | { readonly ok: true; readonly request: Request }
  /** `uid` is set if the body had one: then the answer can be a well-formed AdmissionReview. */
  | { readonly ok: false; readonly uid: string | undefined; readonly error: string };

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;

/** Returns the request in the parsed JSON of a body, or what is wrong with it. Never throws. */
export function parseReview(body: unknown): Parsed {
  const uid = optionalString(dig(body, 'request', 'uid'));
  const error = problemOf(body);
  if (error !== undefined || uid === undefined) return { ok: false, uid, error: error ?? 'the request has no uid' };
  return requestIn(asObject(dig(body, 'request')), uid);
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
    return { ok: false, uid, error: `operation ${quote(request['operation'])} is not one of ${OPERATIONS.join(', ')}` };
  const namespace = asString(request['namespace']);
  const name = asString(request['name']);
  const submitted = objectIn(request['object'], namespace, name);
  const stored = objectIn(request['oldObject'], namespace, name);
  const subject = submitted ?? stored;
  if (subject === undefined && operation !== 'CONNECT') {
    return {
      ok: false,
      uid,
      error: 'neither request.object nor request.oldObject is a Kubernetes object with apiVersion, kind and metadata',
    };
  }
  const { apiVersion, kind } = subject ?? askedKind(asObject(request['kind']));
  return {
    ok: true,
    request: {
      uid,
      operation,
      apiVersion,
      kind,
      kindId: kindId(apiVersion, kind),
      resource: asString(dig(request, 'resource', 'resource')),
      subresource: asString(request['subResource']),
      namespace,
      name: subject?.metadata.name ?? name,
      user: userInfo(request['userInfo']),
      dryRun: request['dryRun'] === true,
      fieldManager: asString(dig(request, 'options', 'fieldManager')),
      object: operation === 'DELETE' ? undefined : submitted,
      oldObject: operation === 'CREATE' ? undefined : stored,
    },
  };
}

function askedKind(kind: JsonObject): { apiVersion: string; kind: string } {
  const group = asString(kind['group']);
  return { apiVersion: group === '' ? 'v1' : `${group}/${asString(kind['version'])}`, kind: asString(kind['kind']) };
}

/** Returns a `userInfo` with all types checked. */
export function userInfo(raw: unknown): UserInfo {
  return {
    username: asString(dig(raw, 'username')),
    uid: asString(dig(raw, 'uid')),
    groups: asArray(dig(raw, 'groups')).map(asString),
    extra: Object.fromEntries(
      Object.entries(asObject(dig(raw, 'extra'))).map(([key, values]) => [key, asArray(values).map(asString)]),
    ),
  };
}

// The namespace of the request is authoritative, and an object with generateName has no name yet.
function objectIn(raw: unknown, namespace: string, name: string): KubeObject | undefined {
  if (
    !isObject(raw) ||
    typeof raw['apiVersion'] !== 'string' ||
    typeof raw['kind'] !== 'string' ||
    !isObject(raw['metadata'])
  )
    return undefined;
  const metadata = raw['metadata'];
  const own = optionalString(metadata['name']) ?? (name === '' ? asString(metadata['generateName']) : name);
  const fixed = { ...metadata, name: own, ...(namespace === '' ? {} : { namespace }) };
  const candidate = { ...raw, metadata: fixed };
  return isKubeObject(candidate) ? candidate : undefined;
}
