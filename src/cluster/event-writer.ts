import { EventsV1Api, PatchStrategy, V1MicroTime, type KubeConfig } from '@kubernetes/client-node';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { answered, ApiError } from './api-error.ts';
import { patchOptions, requestOptions } from './request-options.ts';

/** An Event about an object, as `kubectl describe` shows it. */
export interface EventToWrite {
  /** Of the Event itself. */
  readonly name: string;
  readonly object: KubeObject;
  /** In CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** How often it happened so far. */
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Writes Events to the API server. Every method rejects if the API server rejects the request or does not answer. */
export interface EventWriter {
  /** Creates an Event. Returns false if there is one of that name already. */
  create(event: EventToWrite): Promise<boolean>;
  /** Says in an existing Event that it happened again. Returns false if there is none of that name. */
  repeat(event: EventToWrite): Promise<boolean>;
}

const TIMEOUT = 5_000;
// The API server accepts no longer ones.
const LONGEST_NOTE = 1_000;
// Events about cluster-scoped objects are there, as the client library of Kubernetes writes them.
const DEFAULT_NAMESPACE = 'default';

/**
 * Returns a writer of Events for a cluster.
 *
 * @param identity - Distinguishes this process from others.
 */
export function eventWriter(kubeConfig: KubeConfig, identity: string): EventWriter {
  const api = kubeConfig.makeApiClient(EventsV1Api);
  const options = requestOptions(TIMEOUT, () => performance.now());
  const merge = patchOptions(options, PatchStrategy.MergePatch);
  return {
    create({ name, object, reason, message, now }) {
      const namespace = placeOf(object);
      const { uid } = object.metadata;
      const body = {
        metadata: { name, namespace },
        eventTime: new V1MicroTime(now),
        reportingController: 'rollgate.io/admission',
        reportingInstance: identity.slice(0, 128),
        action: 'Admit',
        type: 'Warning',
        reason,
        note: message.slice(0, LONGEST_NOTE),
        regarding: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          name: object.metadata.name,
          ...(namespaceOf(object) === '' ? {} : { namespace }),
          ...(typeof uid === 'string' ? { uid } : {}),
        },
      };
      return unless(409, api.createNamespacedEvent({ namespace, body }, options));
    },
    repeat({ name, object, count, now }) {
      // The API server accepts no series of one.
      const series = { count: Math.max(count, 2), lastObservedTime: new V1MicroTime(now).toISOString() };
      return unless(404, api.patchNamespacedEvent({ name, namespace: placeOf(object), body: { series } }, merge));
    },
  };
}

function placeOf(object: KubeObject): string {
  return namespaceOf(object) || DEFAULT_NAMESPACE;
}

async function unless(status: number, request: Promise<unknown>): Promise<boolean> {
  try {
    await answered(request);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === status) return false;
    throw error;
  }
}
