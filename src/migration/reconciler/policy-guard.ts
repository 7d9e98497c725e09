import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { answered, ApiError } from '../../cluster/api-error.ts';
import type { Logger } from '../../cluster/reflector.ts';
import { requestOptions } from '../../cluster/request-options.ts';
import { messageOf } from '../../world/error.ts';
import { protectionBy, type Protection } from '../conversion-policy.ts';

/** Says whether the API server decides who may have a Rollout made. */
export interface PolicyGuard {
  /** Returns what protects the annotations of conversion now. Never rejects. */
  protection(): Promise<Protection>;
  /**
   * Returns the uids of the policy and its binding, or undefined while they do not protect. Never rejects.
   *
   * @param noted - Those in the annotations of a Deployment. If they equal the last answer, that is the answer, however
   *   old it is.
   */
  uids(noted: string | undefined): Promise<string | undefined>;
}

/** Says that no Rollout was created because the conversion policy is missing or changed. */
export class Unprotected extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Unprotected';
  }
}

/** Says that the conversion policy is not the one that a Deployment was observed under. */
export class PolicyReplaced extends Error {
  constructor() {
    super('the conversion policy was replaced');
    this.name = 'PolicyReplaced';
  }
}

// Less than the time that a review has by default.
const TIMEOUT = 2_000;
// Creations come in bursts. A policy that is deleted or changed stops them within this time.
const REMEMBERED = 5_000;
// An answer that stands in the way of a conversion may be outdated.
const DOUBTED = 1_000;

/** Compares the conversion policy of a cluster, and its binding, with those of the chart. */
export class ClusterPolicyGuard implements PolicyGuard {
  readonly #name: string;
  readonly #read: (plural: string) => Promise<unknown>;
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  #answer: Promise<Protection> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #known: Protection | undefined;

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
    return this.#known === undefined ? undefined : 'uids' in this.#known;
  }

  protection(): Promise<Protection> {
    return this.#asOf(this.ok === true ? REMEMBERED : DOUBTED);
  }

  async uids(noted: string | undefined): Promise<string | undefined> {
    const known = this.#known;
    const protection =
      known !== undefined && 'uids' in known && known.uids === noted ? known : await this.#asOf(DOUBTED);
    return 'uids' in protection ? protection.uids : undefined;
  }

  #asOf(age: number): Promise<Protection> {
    const now = performance.now();
    if (this.#answer === undefined || now - this.#askedAt > age) {
      this.#askedAt = now;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<Protection> {
    const found = await this.#compare();
    const known = this.#known;
    const before = known !== undefined && 'why' in known ? known.why : undefined;
    if ('why' in found && before !== found.why)
      this.#log.warn(
        { policy: this.#name, reason: found.why },
        'no Rollouts are created: the conversion policy is missing',
      );
    if ('uids' in found && before !== undefined)
      this.#log.info({ policy: this.#name }, 'the conversion policy is in place');
    this.#known = found;
    return found;
  }

  async #compare(): Promise<Protection> {
    try {
      const [policy, binding] = await Promise.all([
        this.#read('validatingadmissionpolicies'),
        this.#read('validatingadmissionpolicybindings'),
      ]);
      return protectionBy(this.#name, policy, binding);
    } catch (error) {
      return { why: `ValidatingAdmissionPolicy "${this.#name}" or its binding cannot be read (${messageOf(error)})` };
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
