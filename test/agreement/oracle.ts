import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { binary, sourceOf } from '../control-plane/build.ts';
import type { RolloutsVersion } from '../control-plane/versions.ts';

/** One reason why upstream rejects a bundle. */
export interface Refusal {
  readonly by: 'api server' | 'controller' | 'analysis';
  /** Kind and name, as `Kind/name`. */
  readonly object: string;
  readonly path: string;
  readonly text: string;
  /** Whether a referenced object is missing. */
  readonly missing: boolean;
}

interface Answer {
  readonly errors: readonly Refusal[];
  readonly lint?: string;
}

/** What a condition yields for a result of each type: `true`, `false` or an error. */
export type Outcomes = Readonly<Record<string, string>>;

/** The reconciliations of one step, as the numbers of pods and the weights of canary and stable, -1 without a router. */
export interface UpstreamStage {
  readonly states: readonly (readonly [canary: number, stable: number, canaryWeight: number, stableWeight: number])[];
  readonly end: 'done' | 'stuck' | 'endless';
}

/** How upstream's code leads an update: the stages of a canary, or the pods of a blue-green update. */
export interface UpstreamTimeline {
  readonly stages?: readonly UpstreamStage[];
  readonly aborts?: readonly UpstreamStage[];
  readonly preview: number;
  readonly active: number;
}

/** Runs upstream's own code, in a program that is built from its Go module. */
export class Oracle {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];
  #errors = '';

  private constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#process = spawn(program, args, { env });
    createInterface({ input: this.#process.stdout }).on('line', (line) =>
      this.#waiting.shift()?.resolve(JSON.parse(line)),
    );
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-10_000);
    });
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the oracle ended with ${code ?? 'a signal'}: ${this.#errors}`));
    });
  }

  /**
   * Starts the program of a version of Argo Rollouts. The caller must close it.
   *
   * @param options - `lint` asks upstream's lint instead of its controller, `conditions` the code that evaluates
   *   conditions, `timeline` the code that counts pods. `coverage` is a folder for Go's coverage counters of upstream's validation.
   * @throws Error - If the program cannot be built.
   */
  static async start(
    version: RolloutsVersion,
    options: {
      readonly lint?: boolean;
      readonly conditions?: boolean;
      readonly timeline?: boolean;
      readonly coverage?: string | undefined;
    } = {},
  ): Promise<Oracle> {
    const program = await binary(options.coverage === undefined ? 'oracle' : 'oracle-coverage', version);
    const crds = join(await sourceOf('github.com/argoproj/argo-rollouts', version), 'manifests', 'crds');
    const modes = ['lint', 'conditions', 'timeline'] as const;
    const instead = modes.filter((mode) => options[mode] === true).map((mode) => `-${mode}`);
    const args = instead.length === 0 ? ['-crds', crds] : instead;
    return new Oracle(
      program,
      args,
      options.coverage === undefined ? process.env : { ...process.env, GOCOVERDIR: options.coverage },
    );
  }

  /**
   * Returns why upstream rejects objects that are applied together; an empty list if it accepts them.
   *
   * @throws Error - If the program has ended.
   */
  async refusals(objects: readonly unknown[]): Promise<readonly Refusal[]> {
    return ((await this.#ask({ id: '', objects })) as Answer).errors;
  }

  /** Returns the first finding of upstream's lint in the objects of one file, or an empty string. */
  async lint(objects: readonly unknown[]): Promise<string> {
    return ((await this.#ask({ id: '', objects })) as Answer).lint ?? '';
  }

  /** Returns what upstream makes of a condition. The program must have been started for `conditions`. */
  async outcomes(condition: string): Promise<Outcomes> {
    return ((await this.#ask({ condition })) as { readonly results: Outcomes }).results;
  }

  /**
   * Returns how upstream's code leads an update of a Rollout. The program must have been started for `timeline`.
   *
   * @param hasRouter - Whether the controller sets weights.
   */
  async timeline(rollout: unknown, hasRouter: boolean): Promise<UpstreamTimeline> {
    return (await this.#ask({ rollout, hasRouter })) as UpstreamTimeline;
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
  }

  #ask(question: unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ resolve, reject });
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    return promise;
  }
}
