import { readFile } from 'node:fs/promises';
import { parsePolicy, type PolicyCatalog } from '../policy/load.ts';
import type { Policy } from '../policy/policy.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Poller } from './poller.ts';
import { messageOf } from '../world/error.ts';

/** Options of `PolicyFile`. */
export interface PolicyFileOptions {
  readonly path: string;
  readonly known: PolicyCatalog;
  /** Milliseconds between two checks of the file. */
  readonly interval: number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reloaded'>;
}

/**
 * A policy in a file, whose content is checked every few seconds. A changed file that is invalid is rejected, and the
 * previous policy stays active.
 */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  readonly #poller: Poller;
  #text: string;
  #current: Policy;
  // A large policy takes seconds to parse, so the same text is not parsed again with every check.
  #rejected: { readonly text: string; readonly error: Error } | undefined;
  #lastError = '';

  /**
   * Reads the policy and starts to watch the file.
   * @throws An Error that lists every problem in the file with its path.
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

  /** The active policy. */
  get current(): Policy {
    return this.#current;
  }

  stop(): void {
    this.#poller.stop();
  }

  /** Checks the file once. Never rejects. */
  async check(): Promise<void> {
    const { path, log, metrics } = this.#options;
    try {
      const text = await readFile(path, 'utf8');
      if (text !== this.#text) {
        this.#current = this.#parse(text);
        this.#text = text;
        metrics.reloaded('policy', 'success');
        log.info({ path }, 'policy reloaded');
      }
      this.#lastError = '';
    } catch (error) {
      metrics.reloaded('policy', 'error');
      const reason = messageOf(error);
      if (reason !== this.#lastError)
        log.error({ path, reason }, 'the changed policy is invalid; the previous one stays active');
      this.#lastError = reason;
    }
  }

  #parse(text: string): Policy {
    if (this.#rejected?.text === text) throw this.#rejected.error;
    this.#rejected = undefined;
    const loaded = load(text, this.#options);
    if ('policy' in loaded) return loaded.policy;
    this.#rejected = { text, error: loaded.error };
    throw loaded.error;
  }
}

function policyOf(text: string, options: PolicyFileOptions): Policy {
  const loaded = load(text, options);
  if ('error' in loaded) throw loaded.error;
  return loaded.policy;
}

function load(
  text: string,
  { path, known }: PolicyFileOptions,
): { readonly policy: Policy } | { readonly error: Error } {
  const loaded = parsePolicy(text, known);
  return loaded.ok ? loaded : { error: new Error(`${path}: ${loaded.errors.join('; ')}`) };
}
