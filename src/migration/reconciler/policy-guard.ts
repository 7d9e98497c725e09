import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { answered, ApiError } from '../../cluster/api-error.ts';
import type { Logger } from '../../cluster/reflector.ts';
import { requestOptions } from '../../cluster/request-options.ts';
import { messageOf } from '../../world/error.ts';
import { whyUnprotected } from '../conversion-policy.ts';

/** Says whether the API server decides who may have a Rollout made. */
export interface PolicyGuard {
  /** Returns why no Rollout may be created now, or undefined. Never rejects. */
  whyNotCreate(): Promise<string | undefined>;
}

/** Says that no Rollout was created because the conversion policy is missing or changed. */
export class Unprotected extends Error {
  constructor(reason: string) {
    super(`${reason}: install the chart again`);
    this.name = 'Unprotected';
  }
}

const TIMEOUT = 5_000;
// Creations come in bursts. A policy that is deleted or changed stops them within this time.
const REMEMBERED = 5_000;

/** Compares the conversion policy of a cluster, and its binding, with those of the chart. */
export class ClusterPolicyGuard implements PolicyGuard {
  readonly #name: string;
  readonly #read: (plural: string) => Promise<unknown>;
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  #answer: Promise<string | undefined> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #known: { readonly why: string | undefined } | undefined;

  /**
   * @param name - The name of the policy and of its binding.
   * @param read - Returns one of the two by its plural, undefined if it does not exist.
   */
  constructor(name: string, read: (plural: string) => Promise<unknown>, log: Pick<Logger, 'warn' | 'info'>) {
    this.#name = name;
    this.#read = read;
    this.#log = log;
  }

  /** Returns the last answer: whether the cluster is protected. Undefined before the first one. */
  get ok(): boolean | undefined {
    return this.#known === undefined ? undefined : this.#known.why === undefined;
  }

  whyNotCreate(): Promise<string | undefined> {
    const now = performance.now();
    if (this.#answer === undefined || now - this.#askedAt > REMEMBERED) {
      this.#askedAt = now;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<string | undefined> {
    const why = await this.#compare();
    if (why !== undefined && this.#known?.why !== why)
      this.#log.warn({ policy: this.#name, reason: why }, 'no Rollouts are created: the conversion policy is missing');
    if (why === undefined && this.#known?.why !== undefined)
      this.#log.info({ policy: this.#name }, 'the conversion policy is in place');
    this.#known = { why };
    return why;
  }

  async #compare(): Promise<string | undefined> {
    try {
      const [policy, binding] = await Promise.all([
        this.#read('validatingadmissionpolicies'),
        this.#read('validatingadmissionpolicybindings'),
      ]);
      return whyUnprotected(this.#name, policy, binding);
    } catch (error) {
      return `ValidatingAdmissionPolicy "${this.#name}" or its binding cannot be read (${messageOf(error)})`;
    }
  }
}

/** Returns how a guard reads the objects of a name from a cluster. */
export function policyReader(kubeConfig: KubeConfig, name: string): (plural: string) => Promise<unknown> {
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const options = requestOptions(TIMEOUT, () => performance.now());
  return async (plural) => {
    try {
      return await answered(
        api.getClusterCustomObject({ group: 'admissionregistration.k8s.io', version: 'v1', plural, name }, options),
      );
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  };
}
