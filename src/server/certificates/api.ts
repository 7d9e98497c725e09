import { CoreV1Api, CustomObjectsApi, PatchStrategy, type KubeConfig } from '@kubernetes/client-node';
import { answered, ApiError } from '../../cluster/api-error.ts';
import { patchOptions, requestOptions } from '../../cluster/request-options.ts';
import { asArray, asObject, asString, dig, optionalString } from '../../world/read.ts';
import { RENEW, type SecretData } from './secret-content.ts';

/** A Secret, decoded. */
export interface StoredSecret {
  readonly resourceVersion: string;
  readonly data: SecretData;
  /** The annotation `rollgate.io/renew`. */
  readonly requested: string | undefined;
}

/** A webhook configuration. */
export interface WebhookConfiguration {
  /** In the API path: `mutatingwebhookconfigurations` or `validatingwebhookconfigurations`. */
  readonly plural: string;
  readonly resourceVersion: string;
  /** The `caBundle` of each webhook, in PEM. */
  readonly bundles: readonly string[];
}

/**
 * The objects that certificates are in. Every method rejects with an ApiError when the API server rejects the request,
 * or with the error of the network. A write of an object that has changed since it was read is rejected with 409.
 */
export interface CertificateApi {
  /** Reads the Secret. */
  secret(): Promise<StoredSecret>;
  /**
   * Changes keys of the Secret. Undefined removes a key.
   *
   * @param isFulfilled - Whether the annotation is removed: what it asked for is done with this.
   */
  changeSecret(
    secret: StoredSecret,
    changes: Readonly<Record<string, string | undefined>>,
    isFulfilled: boolean,
  ): Promise<void>;
  /** Reads the webhook configurations that exist. */
  configurations(): Promise<readonly WebhookConfiguration[]>;
  /** Sets the `caBundle` of all webhooks of a configuration. */
  trust(configuration: WebhookConfiguration, bundle: string): Promise<void>;
}

/** Where the certificates are. */
export interface CertificatePlaces {
  readonly namespace: string;
  readonly secret: string;
  /** The name of both webhook configurations. */
  readonly webhooks: string;
}

// Milliseconds for one request. The next check sends it again.
const TIMEOUT = 4_000;
const GROUP = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
const PLURALS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const;
const MANAGER = 'rollgate';

/** Returns the access to these objects in a cluster. */
export function certificateApi(kubeConfig: KubeConfig, places: CertificatePlaces): CertificateApi {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const custom = kubeConfig.makeApiClient(CustomObjectsApi);
  const options = requestOptions(TIMEOUT, () => performance.now());
  const merge = patchOptions(options, PatchStrategy.MergePatch);
  const json = patchOptions(options, PatchStrategy.JsonPatch);
  const { namespace, secret: name, webhooks } = places;
  return {
    async secret() {
      const object = await answered(core.readNamespacedSecret({ namespace, name }, options));
      return {
        resourceVersion: asString(dig(object, 'metadata', 'resourceVersion')),
        data: decoded(asObject(dig(object, 'data'))),
        requested: optionalString(dig(object, 'metadata', 'annotations', RENEW)),
      };
    },
    async changeSecret({ resourceVersion }, changes, isFulfilled) {
      const body = {
        metadata: { resourceVersion, ...(isFulfilled ? { annotations: { [RENEW]: null } } : {}) },
        data: Object.fromEntries(
          Object.entries(changes).map(([key, text]) => [key, text === undefined ? null : encoded(text)]),
        ),
      };
      await answered(core.patchNamespacedSecret({ namespace, name, body, fieldManager: MANAGER }, merge));
    },
    async configurations() {
      const read = await Promise.all(PLURALS.map((plural) => configuration(custom, plural, webhooks)));
      return read.filter((each) => each !== undefined);
    },
    async trust({ plural, resourceVersion, bundles }, bundle) {
      const body = [
        { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
        ...bundles.map((_, index) => ({
          op: 'add',
          path: `/webhooks/${index}/clientConfig/caBundle`,
          value: encoded(bundle),
        })),
      ];
      await answered(
        custom.patchClusterCustomObject({ ...GROUP, plural, name: webhooks, body, fieldManager: MANAGER }, json),
      );
    },
  };

  async function configuration(
    api: CustomObjectsApi,
    plural: string,
    named: string,
  ): Promise<WebhookConfiguration | undefined> {
    try {
      const object = await answered(api.getClusterCustomObject({ ...GROUP, plural, name: named }, options));
      return {
        plural,
        resourceVersion: asString(dig(object, 'metadata', 'resourceVersion')),
        bundles: asArray(dig(object, 'webhooks')).map((each) =>
          Buffer.from(asString(dig(each, 'clientConfig', 'caBundle')), 'base64').toString('utf8'),
        ),
      };
    } catch (error) {
      // The chart installs the webhooks last.
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

function decoded(data: Readonly<Record<string, unknown>>): SecretData {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(asString(value), 'base64').toString('utf8')]),
  );
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}
