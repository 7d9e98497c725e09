import { CustomObjectsApi, PatchStrategy, type KubeConfig } from '@kubernetes/client-node';
import type { Operation } from 'fast-json-patch';
import { CREATOR, handedOver, MANAGER } from '../apply-diff.ts';
import { uidOf } from '../annotations.ts';
import { KINDS, isKubeObject, namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import { asArray, dig } from '../../world/read.ts';
import { answered, ApiError } from '../../cluster/api-error.ts';
import { patchOptions, requestOptions } from '../../cluster/request-options.ts';

/**
 * The writes of conversion. Every method rejects with an ApiError when the API server rejects the request, or with the
 * error of the network.
 */
export interface Writer {
  /** Creates a Rollout with its count, and returns it as stored. An existing Rollout of that name is never changed. */
  create(rollout: KubeObject): Promise<KubeObject>;
  /** Applies a rendered Rollout, without a count, over the live one. Returns it as stored. */
  apply(live: KubeObject, rollout: KubeObject): Promise<KubeObject>;
  /** Patches a Rollout, if it is still the same one. */
  patch(rollout: KubeObject, operations: readonly Operation[]): Promise<void>;
  /** Sets the count of a Deployment or a Rollout, if it is still the same one. */
  scale(workload: KubeObject, replicas: number): Promise<void>;
  /** Sets annotations of a Deployment. Undefined removes one. */
  annotate(deployment: KubeObject, annotations: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Deletes a Rollout and, in the background, what it owns. */
  remove(rollout: KubeObject): Promise<void>;
  /** Returns the Rollouts of a namespace, as the API server has them. */
  rollouts(namespace: string): Promise<readonly KubeObject[]>;
  /** Reports an event about a Deployment. */
  tell(deployment: KubeObject, event: MigrationEvent): Promise<void>;
}

/** An event, as `kubectl describe` shows it. */
export interface MigrationEvent {
  readonly type: 'Normal' | 'Warning';
  /** In CamelCase. */
  readonly reason: string;
  readonly message: string;
}

const TIMEOUT = 5_000;
const ROLLOUTS = { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts' } as const;
// The API server accepts no longer ones.
const LONGEST_NOTE = 1_000;

/**
 * Returns a writer for a cluster.
 *
 * @param identity - Distinguishes this process from others.
 */
export function clusterWriter(kubeConfig: KubeConfig, identity: string): Writer {
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const options = requestOptions(TIMEOUT, () => performance.now());
  const merge = patchOptions(options, PatchStrategy.MergePatch);
  const json = patchOptions(options, PatchStrategy.JsonPatch);
  const apply = patchOptions(options, PatchStrategy.ServerSideApply);
  const place = (
    object: KubeObject,
  ): { group: string; version: string; plural: string; namespace: string; name: string } => {
    const { plural, group } = KINDS[kindIdOf(object)];
    return {
      group,
      version: object.apiVersion.split('/').at(-1) ?? 'v1',
      plural,
      namespace: namespaceOf(object),
      name: object.metadata.name,
    };
  };
  return {
    create: (rollout) =>
      written(api.createNamespacedCustomObject({ ...place(rollout), body: rollout, fieldManager: CREATOR }, options)),
    async apply(live, rollout) {
      const managedFields = handedOver(live);
      if (managedFields !== undefined) {
        // Computed for one version of the object, and wrong for any other.
        const body = [
          { op: 'test', path: '/metadata/resourceVersion', value: live.metadata['resourceVersion'] },
          { op: 'replace', path: '/metadata/managedFields', value: managedFields },
        ];
        await written(api.patchNamespacedCustomObject({ ...place(live), body, fieldManager: MANAGER }, json));
      }
      return written(
        api.patchNamespacedCustomObject(
          { ...place(rollout), body: rollout, fieldManager: MANAGER, force: true },
          apply,
        ),
      );
    },
    async patch(rollout, operations) {
      const body = [{ op: 'test', path: '/metadata/uid', value: uidOf(rollout) }, ...operations];
      await written(api.patchNamespacedCustomObject({ ...place(rollout), body, fieldManager: MANAGER }, json));
    },
    async scale(workload, replicas) {
      // Not by the scale subresource: an admission policy does not see there whose count it is.
      await written(
        api.patchNamespacedCustomObject(
          {
            ...place(workload),
            body: { metadata: { uid: uidOf(workload) }, spec: { replicas } },
            fieldManager: MANAGER,
          },
          merge,
        ),
      );
    },
    async annotate(deployment, annotations) {
      const values = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, value ?? null]));
      // With its uid the patch fails on another Deployment of that name.
      await written(
        api.patchNamespacedCustomObject(
          {
            ...place(deployment),
            body: { metadata: { uid: uidOf(deployment), annotations: values } },
            fieldManager: MANAGER,
          },
          merge,
        ),
      );
    },
    async remove(rollout) {
      const body = { propagationPolicy: 'Background', preconditions: { uid: uidOf(rollout) } };
      await written(api.deleteNamespacedCustomObject({ ...place(rollout), body }, options)).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      });
    },
    async rollouts(namespace) {
      const list = await answered(api.listNamespacedCustomObject({ ...ROLLOUTS, namespace }, options));
      return asArray(dig(list, 'items')).filter(isKubeObject);
    },
    async tell(deployment, { type, reason, message }) {
      const namespace = namespaceOf(deployment);
      const body = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { generateName: `${deployment.metadata.name.slice(0, 200)}-`, namespace },
        eventTime: new Date().toISOString().replace('Z', '000Z'),
        reportingController: 'rollgate.io/conversion',
        reportingInstance: identity.slice(0, 128),
        action: 'Convert',
        type,
        reason,
        note: message.slice(0, LONGEST_NOTE),
        regarding: {
          apiVersion: deployment.apiVersion,
          kind: deployment.kind,
          namespace,
          name: deployment.metadata.name,
          uid: uidOf(deployment),
        },
      };
      await answered(
        api.createNamespacedCustomObject(
          { group: 'events.k8s.io', version: 'v1', plural: 'events', namespace, body },
          options,
        ),
      );
    },
  };
}

function kindIdOf({ kind }: KubeObject): KindId {
  return kind === 'Deployment' ? 'Deployment.apps' : 'Rollout.argoproj.io';
}

async function written(request: Promise<unknown>): Promise<KubeObject> {
  const object = await answered(request);
  // The answer to a deletion is not an object.
  return isKubeObject(object) ? object : { apiVersion: 'v1', kind: 'Status', metadata: { name: '' } };
}
