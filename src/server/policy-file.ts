import { readFile } from 'node:fs/promises';
import { fallbackPolicy, isKeeping } from '../policy/fallback.ts';
import { parsePolicy, type PolicyCatalog } from '../policy/load.ts';
import { retiredRuleWarnings } from '../policy/warnings.ts';
import type { Policy } from '../policy/policy.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Poller } from './poller.ts';
import { messageOf, readErrorOf } from '../world/error.ts';

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
 * previous policy stays active. Where there is none yet, a fallback takes its place until the file is valid.
 */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  readonly #poller: Poller;
  // What the active policy was read from. Undefined for a fallback.
  #text: string | undefined;
  #current: Policy;
  // A large policy takes seconds to parse, so the same text is not parsed again with every check.
  #rejected: { readonly text: string; readonly error: Error } | undefined;
  #fault: 'the policy file cannot be read' | 'the policy is invalid' = 'the policy is invalid';
  #lastError = '';

  /** Reads the policy and starts to watch the file. Never rejects. */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    const file = new PolicyFile(options);
    await file.check();
    return file;
  }

  private constructor(options: PolicyFileOptions) {
    this.#options = options;
    this.#current = fallbackPolicy(undefined, options.known);
    this.#poller = new Poller(() => this.check(), options.interval);
  }

  /** The active policy. */
  get current(): Policy {
    return this.#current;
  }

  /** Why the file is not the active policy, for readiness; undefined if it is. */
  get problem(): string | undefined {
    if (this.#lastError === '') return undefined;
    return this.#current.isFallback === true
      ? `${this.#fault}, so nothing is denied and nothing is converted: see the log`
      : `${this.#fault}, so the previous policy stays active: see the log`;
  }

  stop(): void {
    this.#poller.stop();
  }

  /** Checks the file once. Never rejects. */
  async check(): Promise<void> {
    try {
      const text = await this.#read();
      if (text !== this.#text) this.#take(text);
      this.#lastError = '';
    } catch (error) {
      this.#options.metrics.reloaded('policy', 'error');
      const reason = messageOf(error);
      if (reason !== this.#lastError) this.#report(reason);
      this.#lastError = reason;
    }
  }

  async #read(): Promise<string> {
    const { path } = this.#options;
    try {
      const text = await readFile(path, 'utf8');
      this.#fault = 'the policy is invalid';
      return text;
    } catch (error) {
      this.#fault = 'the policy file cannot be read';
      throw new Error(`${path}: ${readErrorOf(error)}`, { cause: error });
    }
  }

  #take(text: string): void {
    const { path, known, log, metrics } = this.#options;
    const isFirst = this.#text === undefined && this.#lastError === '';
    this.#current = this.#parse(text);
    this.#text = text;
    if (!isFirst) {
      metrics.reloaded('policy', 'success');
      log.info({ path }, 'policy reloaded');
    }
    for (const reason of retiredRuleWarnings(this.#current, known))
      log.warn({ path, reason }, 'a part of the policy has no effect');
  }

  #parse(text: string): Policy {
    if (this.#rejected?.text === text) throw this.#rejected.error;
    const { path, known } = this.#options;
    this.#rejected = undefined;
    const loaded = parsePolicy(text, known);
    if (loaded.ok) return loaded.policy;
    const error = new Error(`${path}: ${loaded.errors.join('; ')}`);
    this.#rejected = { text, error };
    if (this.#current.isFallback === true) this.#current = fallbackPolicy(text, known);
    throw error;
  }

  #report(reason: string): void {
    const { path, log, known } = this.#options;
    if (this.#current.isFallback !== true)
      return log.error({ path, reason }, `${this.#fault}; the previous policy stays active`);
    const keeps = isKeeping(this.#current, known) ? 'on' : 'off';
    log.error({ path, reason, keeps }, `${this.#fault}; until it is fixed, nothing is denied or converted`);
  }
}
