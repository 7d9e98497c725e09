import { combinedMetrics, type Metric } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import type { Resolve } from '../../world/metrics.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { below, type Place } from '../../world/place.ts';
import { asArray, asString, dig } from '../../world/read.ts';

// Where a provider has the address that the controller sends its requests to.
const ADDRESSES: readonly Path[] = [
  ['provider', 'web', 'url'],
  ['provider', 'prometheus', 'address'],
  ['provider', 'graphite', 'address'],
  ['provider', 'skywalking', 'address'],
  ['provider', 'kayenta', 'address'],
];
// A host is at most 253 characters, and stands at the beginning.
const MAX_START = 500;
const MAX_LENGTH = 5_000;
const HOST = /^(https?):\/\/(?:[^/?#@]*@)?([a-z0-9.-]+)(?::(\d{1,5})(?=[/?#]|$))?([:/?#]|$)/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

const JOB_POD = ['provider', 'job', 'spec', 'template', 'spec'] as const;
const LISTS = ['containers', 'initContainers'] as const;
// How a Job comes to the URLs that it asks for.
const IN_JOB = /https?:\/\/(?:[^/?#@\s]*@)?([a-z0-9.-]+)(?=[:/?#\s"']|$)/g;

/** The places with addresses in a template. */
export const ADDRESS_PLACES: readonly Place[] = [
  ...ADDRESSES.map((path) => `spec.metrics[*].${path.join('.')}` as const),
  ...LISTS.flatMap((list) =>
    below(`spec.metrics[*].${JOB_POD.join('.')}.${list}[*]`, ['command', 'args', 'env[*].value']),
  ),
];

/** A Service that a metric measures. */
export interface Target {
  readonly service: string;
  /** Whether the address names the namespace, or is asked for in it. */
  readonly isQualified: boolean;
  readonly isOfJob: boolean;
  /** The port that is asked; undefined if it is not known, and in a Job, which may do anything with the URL. */
  readonly port: number | undefined;
}

/** A text with an address, or with several in a Job. */
export interface AddressOf {
  readonly metric: Metric;
  readonly address: string;
  readonly path: Path;
  readonly isOfJob: boolean;
}

// A template is filled in again for each analysis that uses it, and few have more than one address.
const MAX_ADDRESSES = 20;

/** Returns the addresses in the metrics of templates: each once, with the first metric that has it. */
export const requestsOf = memo((templates: readonly KubeObject[]): readonly AddressOf[] => {
  const distinct = new Map<string, AddressOf>();
  const add = (address: string, found: Omit<AddressOf, 'address'>): void => {
    const key = `${found.isOfJob ? 'Job' : ''} ${address}`;
    if (address !== '' && address.length <= MAX_LENGTH && !distinct.has(key) && distinct.size < MAX_ADDRESSES)
      distinct.set(key, { ...found, address });
  };
  for (const metric of combinedMetrics(templates)) {
    for (const path of ADDRESSES)
      add(asString(dig(metric.raw, ...path.map(String))), { metric, path: [...metric.path, ...path], isOfJob: false });
    for (const { text, path } of textsOfJob(metric)) add(text, { metric, path, isOfJob: true });
    if (distinct.size >= MAX_ADDRESSES) break;
  }
  return [...distinct.values()];
});

function* textsOfJob(metric: Metric): Generator<{ readonly text: string; readonly path: Path }> {
  const pod = dig(metric.raw, ...JOB_POD);
  for (const list of LISTS) {
    for (const [index, container] of asArray(dig(pod, list)).entries()) {
      const path = [...metric.path, ...JOB_POD, list, index];
      const env = asArray(dig(container, 'env')).map((variable) => dig(variable, 'value'));
      for (const value of [...asArray(dig(container, 'command')), ...asArray(dig(container, 'args')), ...env]) {
        const text = asString(value);
        if (text.includes('http') || text.includes('{{')) yield { text, path };
      }
    }
  }
}

/** Returns the Services of a namespace that an address names. */
export function targetsOf({ address, isOfJob }: AddressOf, resolve: Resolve, namespace: string): readonly Target[] {
  const text = resolve(address) ?? '';
  if (isOfJob)
    return [...text.slice(0, MAX_LENGTH).matchAll(IN_JOB)].flatMap(([, host = '']) =>
      serviceAt(host, { isOfJob, port: undefined }, namespace),
    );
  const [, scheme = '', host = '', port, end] = HOST.exec(text.slice(0, MAX_START)) ?? [];
  const isOther = port === undefined && end === ':';
  const asked = isOther ? undefined : port === undefined ? DEFAULT_PORTS[scheme] : Number(port);
  return serviceAt(host, { isOfJob, port: asked }, namespace);
}

// Nothing for another host. The Job runs in the namespace of the Rollout.
function serviceAt(host: string, asked: Pick<Target, 'isOfJob' | 'port'>, namespace: string): Target[] {
  const [service = '', ...rest] = host.replace(/\.$/, '').split('.');
  if (service === '') return [];
  if (rest.length === 0) return [{ service, isQualified: asked.isOfJob, ...asked }];
  const [home, ...domain] = rest;
  const isService = ['', 'svc', 'svc.cluster.local'].includes(domain.join('.'));
  return home === namespace && isService ? [{ service, isQualified: true, ...asked }] : [];
}
