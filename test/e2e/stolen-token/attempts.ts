import { asArray, asString, dig } from '../../../src/world/read.ts';
import { Refused, type Api } from '../harness/api.ts';
import type { Permission } from './permissions.ts';

/** Where attempts are made. Both sides have a Deployment and a Rollout in `namespace`: `foreign`, and `web`, converted. */
export interface Places {
  /** A namespace of users. */
  readonly namespace: string;
  /** The namespace of Rollgate. */
  readonly own: string;
}

/** A request, made on both sides. */
export interface Attempt {
  /** What it changes, if the verb does not say it. */
  readonly what: string;
  /** Tries it on an object that takes no part in conversion. Returns the outcome. */
  readonly foreign: () => Promise<string>;
  /** Tries it on an object that does. Returns the outcome. */
  readonly own: () => Promise<string>;
}

/** The verbs that can change something. */
export const WRITING: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

const NOT_SERVED = 'not installed here';
const MERGE = 'application/merge-patch+json';

/**
 * Returns the attempts for a permission. Writes are dry runs: authorization and admission policies decide about them as
 * about others.
 *
 * @throws Error - If nothing is known about how to try a permission.
 */
export async function attemptsOf(permission: Permission, api: Api, places: Places): Promise<readonly Attempt[]> {
  const { verb, resource } = permission;
  if (resource.startsWith('/')) {
    const path = resource.replace(/\*$/, '');
    const get = (): Promise<string> => outcome(() => api.call('GET', path === '/openapi/' ? '/openapi/v3' : path));
    return [{ what: '', foreign: get, own: get }];
  }
  const base = await baseOf(api, resource);
  if (base === undefined)
    return [{ what: '', foreign: () => Promise.resolve(NOT_SERVED), own: () => Promise.resolve(NOT_SERVED) }];
  const namespace = permission.onlyAtHome ? places.own : places.namespace;
  const list = (at: string): string => `${base.root}${base.namespaced ? `/namespaces/${at}` : ''}/${base.plural}`;
  if (!WRITING.includes(verb)) {
    const read = (at: string, name: string) => (): Promise<string> => readAs(verb, api, list(at), name);
    const [name = 'web'] = permission.names;
    return [{ what: '', foreign: read(namespace, 'foreign'), own: read(namespace, name) }];
  }
  const writes = WRITES[`${verb} ${resource}`];
  if (writes === undefined) throw new Error(`the account of Rollgate may ${verb} ${resource}: add how to try that`);
  return writes(namespace).map(({ what, foreign, own }) => {
    const attempt =
      ({ name, body }: Side) =>
      (): Promise<string> =>
        write(verb, api, list(namespace), name, body);
    return { what, foreign: attempt(foreign), own: attempt(own) };
  });
}

interface Side {
  /** Undefined for a new object. */
  readonly name?: string;
  readonly body?: object;
}

interface Write {
  readonly what: string;
  readonly foreign: Side;
  readonly own: Side;
}

/** Returns the same patch on both sides. */
function both(what: string, body: object): Write {
  return { what, foreign: { name: 'foreign', body }, own: { name: 'web', body } };
}

/** Returns an object that is the same on both sides, because it is about no other object. */
function question(apiVersion: string, kind: string, spec: object): () => readonly Write[] {
  const body = { apiVersion, kind, spec };
  return () => [{ what: '', foreign: { body }, own: { body } }];
}

const AUTHORIZATION = 'authorization.k8s.io/v1';
const RESOURCE = { resourceAttributes: { verb: 'get', resource: 'pods' } };

// How to try each verb that can change something. A new right of the account needs an entry.
const WRITES: Readonly<Record<string, (namespace: string) => readonly Write[]>> = {
  'patch deployments.apps': () => [
    both('the count', { spec: { replicas: 0 } }),
    both('its own annotations', { metadata: { annotations: { 'rollgate.io/rollout-uid': 'x' } } }),
    both('other annotations', { metadata: { annotations: { 'example.com/a': 'b' } } }),
    both('labels, finalizers', { metadata: { labels: { a: 'b' }, finalizers: ['example.com/a'] } }),
    both('the pod template', { spec: { template: { spec: { hostNetwork: true } } } }),
    both('another field of the spec', { spec: { paused: true } }),
  ],
  'create rollouts.argoproj.io': (namespace) => [
    {
      what: 'with a pod template of its own',
      foreign: { body: rollout(namespace, 'new', undefined) },
      own: { body: rollout(namespace, 'new', 'web', true) },
    },
    {
      what: 'with a `workloadRef`',
      foreign: { body: rollout(namespace, 'new', undefined, false, 'foreign') },
      own: { body: rollout(namespace, 'new', 'web') },
    },
    {
      what: 'that says it was made from the Deployment',
      foreign: { body: rollout(namespace, 'new', 'foreign') },
      own: { body: rollout(namespace, 'new', 'web') },
    },
  ],
  'patch rollouts.argoproj.io': () => [
    both('the count', { spec: { replicas: 0 } }),
    both('the strategy', { spec: { strategy: { canary: { steps: [{ setWeight: 100 }] } } } }),
    both('the pod template', { spec: { template: { spec: { containers: [{ name: 'x', image: 'evil:1' }] } } } }),
    both('the workload', { spec: { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } } }),
  ],
  'delete rollouts.argoproj.io': () => [{ what: '', foreign: { name: 'foreign' }, own: { name: 'web' } }],
  'create events.events.k8s.io': (namespace) => [
    {
      what: '',
      foreign: { body: event(namespace, { kind: 'Pod', name: 'foreign', namespace }) },
      own: { body: event(namespace, { kind: 'Deployment', name: 'web', namespace }) },
    },
  ],
  'create leases.coordination.k8s.io': (namespace) => [
    {
      what: '',
      foreign: { body: lease(namespace, 'foreign') },
      own: { body: lease(namespace, 'rollgate-conversion') },
    },
  ],
  'update leases.coordination.k8s.io': (namespace) => [
    {
      what: '',
      foreign: { name: 'foreign', body: lease(namespace, 'foreign') },
      own: { name: 'rollgate-conversion', body: lease(namespace, 'rollgate-conversion') },
    },
  ],
  'create tokenreviews.authentication.k8s.io': question('authentication.k8s.io/v1', 'TokenReview', { token: 'x' }),
  'create selfsubjectreviews.authentication.k8s.io': question('authentication.k8s.io/v1', 'SelfSubjectReview', {}),
  'create subjectaccessreviews.authorization.k8s.io': question(AUTHORIZATION, 'SubjectAccessReview', {
    user: 'admin',
    ...RESOURCE,
  }),
  'create selfsubjectaccessreviews.authorization.k8s.io': question(AUTHORIZATION, 'SelfSubjectAccessReview', RESOURCE),
  'create selfsubjectrulesreviews.authorization.k8s.io': question(AUTHORIZATION, 'SelfSubjectRulesReview', {
    namespace: 'default',
  }),
};

/**
 * Returns a Rollout.
 *
 * @param from - The Deployment that it says it was made from; undefined if it says nothing of that.
 * @param ownTemplate - Whether it has a pod template.
 * @param ref - The Deployment that has its pod template.
 */
function rollout(
  namespace: string,
  name: string,
  from: string | undefined,
  ownTemplate = from === undefined,
  ref = from,
): object {
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: from, uid: 'u', controller: true };
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x', image: 'x:1' }] } };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name,
      namespace,
      ...(from === undefined ? {} : { annotations: { 'rollgate.io/converted-from': from }, ownerReferences: [owner] }),
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'x' } },
      strategy: { canary: {} },
      ...(ref === undefined ? {} : { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: ref } }),
      ...(ownTemplate ? { template } : {}),
    },
  };
}

function event(namespace: string, regarding: object): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'new', namespace },
    regarding,
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'rollgate',
    reportingInstance: 'x',
    action: 'x',
    reason: 'x',
    note: 'x',
    type: 'Normal',
  };
}

function lease(namespace: string, name: string): object {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: {} };
}

async function readAs(verb: string, api: Api, list: string, name: string): Promise<string> {
  if (verb === 'get') return outcome(() => api.call('GET', `${list}/${name}`));
  if (verb === 'list') return outcome(() => api.call('GET', `${list}?limit=1`));
  if (verb !== 'watch') throw new Error(`the account of Rollgate may ${verb}: add how to try that`);
  const stop = new AbortController();
  try {
    return await outcome(() => api.watch(list, () => undefined, stop.signal));
  } finally {
    stop.abort();
  }
}

function write(verb: string, api: Api, list: string, name: string | undefined, body?: object): Promise<string> {
  const path = `${name === undefined ? list : `${list}/${name}`}?dryRun=All`;
  const method = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' }[verb];
  if (method === undefined) throw new Error(`the account of Rollgate may ${verb}: add how to try that`);
  if (method !== 'PUT') return outcome(() => api.call(method, path, body, method === 'PATCH' ? MERGE : undefined));
  return outcome(async () => api.call(method, path, { ...body, ...(await stored(api, `${list}/${name}`)) }));
}

/** Returns an object as it is stored, because an update must name its version; nothing if it cannot be read. */
async function stored(api: Api, path: string): Promise<object> {
  try {
    return (await api.call('GET', path)) as object;
  } catch (error) {
    if (error instanceof Refused) return {};
    throw error;
  }
}

// That an object is absent or exists already, and that an answer has no JSON form, is only said to those who may.
const SAID_TO_THOSE_WHO_MAY = [404, 406, 409];

/** Returns `allowed`, or who refused. */
async function outcome(request: () => Promise<unknown>): Promise<string> {
  try {
    await request();
    return 'allowed';
  } catch (error) {
    if (error instanceof SyntaxError) return 'allowed'; // The answers of /healthz and the like are not JSON.
    if (!(error instanceof Refused)) throw error;
    if (SAID_TO_THOSE_WHO_MAY.includes(error.code)) return 'allowed';
    const message = asString(dig(error.body, 'message'));
    const policy = /ValidatingAdmissionPolicy '([^']+)'/.exec(message)?.[1];
    if (policy !== undefined) return `\`${policy}\``;
    if (error.code === 403 && message.includes(' cannot ')) return 'RBAC';
    throw error;
  }
}

interface Base {
  readonly root: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Returns where the API server serves a resource, or undefined. */
async function baseOf(api: Api, resource: string): Promise<Base | undefined> {
  const [plural = '', ...rest] = resource.split('.');
  const group = rest.join('.');
  for (const root of group === '' ? ['/api/v1'] : await rootsOf(api, group)) {
    const served = asArray(dig(await api.call('GET', root), 'resources')).find((each) => dig(each, 'name') === plural);
    if (served !== undefined) return { root, plural, namespaced: dig(served, 'namespaced') === true };
  }
  return undefined;
}

async function rootsOf(api: Api, group: string): Promise<readonly string[]> {
  try {
    const { versions } = (await api.call('GET', `/apis/${group}`)) as { versions: unknown };
    return asArray(versions).map((version) => `/apis/${asString(dig(version, 'groupVersion'))}`);
  } catch (error) {
    if (error instanceof Refused && error.code === 404) return [];
    throw error;
  }
}
