import { readFile } from 'node:fs/promises';
import { parsePolicy, type PolicyCatalog } from '../policy/load.ts';
import type { Policy } from '../policy/policy.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Poller } from './poller.ts';
import { messageOf } from '../world/error.ts';

/** What a policy file needs around it. */
export interface PolicyFileOptions {
  readonly path: string;
  readonly known: PolicyCatalog;
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reloaded'>;
}

/**
 * A policy in a file, looked at every few seconds by content. A changed file that cannot be used is refused, and the
 * policy that was in force stays.
 */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  readonly #poller: Poller;
  #text: string;
  #current: Policy;
  #complaint = '';

  /**
   * In: where the file is. Out: the policy in it, watched. Rejects with an Error that lists what is wrong in the file,
   * each with its place.
   */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    const text = await readFile(options.path, 'utf8');
    return new PolicyFile(options, text, policyOf(text, options));
  }

  private constructor(options: PolicyFileOptions, text: string, policy: Policy) {
    this.#options = options;
    this.#text = text;
    this.#current = policy;
    this.#poller = new Poller(() => this.check(), options.interval);
  }

  /** Out: the policy in force. */
  get current(): Policy {
    return this.#current;
  }

  stop(): void {
    this.#poller.stop();
  }

  /** Looks at the file once. Never rejects. */
  async check(): Promise<void> {
    const { path, log, metrics } = this.#options;
    try {
      const text = await readFile(path, 'utf8');
      if (text !== this.#text) {
        this.#current = policyOf(text, this.#options);
        this.#text = text;
        metrics.reloaded('policy', 'success');
        log.info({ path }, 'policy reloaded');
      }
      this.#complaint = '';
    } catch (error) {
      metrics.reloaded('policy', 'error');
      const complaint = messageOf(error);
      if (complaint !== this.#complaint)
        log.error({ path, reason: complaint }, 'the changed policy is refused, the old one stays');
      this.#complaint = complaint;
    }
  }
}

function policyOf(text: string, { path, known }: PolicyFileOptions): Policy {
  const loaded = parsePolicy(text, known);
  if (!loaded.ok) throw new Error(`${path}: ${loaded.errors.join('; ')}`);
  return loaded.policy;
}
