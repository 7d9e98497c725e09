import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { binary, sourceOf } from '../control-plane/build.ts';

/** One reason why upstream does not take a bundle. */
export interface Refusal {
  readonly by: 'api server' | 'controller' | 'analysis';
  /** Kind and name. */
  readonly object: string;
  readonly path: string;
  readonly text: string;
  /** Whether something is referred to that is not there. */
  readonly missing: boolean;
}

interface Answer {
  readonly errors: readonly Refusal[];
  readonly lint?: string;
}

/** Upstream's own code, asked through a program that is built from its module. */
export class Oracle {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  #errors = '';

  private constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#process = spawn(program, args, { env });
    createInterface({ input: this.#process.stdout }).on('line', (line) =>
      this.#waiting.shift()?.resolve(JSON.parse(line) as Answer),
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
   * In: whether to ask upstream's lint instead of its controller, and, to measure what is covered of upstream's
   * validation, a folder for the counters of Go. Out: a running oracle, to be closed. Rejects where it cannot be built.
   */
  static async start(
    options: { readonly lint?: boolean; readonly coverage?: string | undefined } = {},
  ): Promise<Oracle> {
    const program = await binary(options.coverage === undefined ? 'oracle' : 'oracle-coverage');
    const crds = join(await sourceOf('github.com/argoproj/argo-rollouts'), 'manifests', 'crds');
    const args = options.lint === true ? ['-lint'] : ['-crds', crds];
    return new Oracle(
      program,
      args,
      options.coverage === undefined ? process.env : { ...process.env, GOCOVERDIR: options.coverage },
    );
  }

  /**
   * In: objects that are applied together. Out: why upstream refuses them; nothing where it takes them. Rejects when
   * the oracle has ended.
   */
  async refusals(objects: readonly unknown[]): Promise<readonly Refusal[]> {
    return (await this.#ask(objects)).errors;
  }

  /** In: objects of one file. Out: what upstream's lint says first, empty where it finds nothing. */
  async lint(objects: readonly unknown[]): Promise<string> {
    return (await this.#ask(objects)).lint ?? '';
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
  }

  #ask(objects: readonly unknown[]): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ resolve, reject });
    this.#process.stdin.write(`${JSON.stringify({ id: '', objects })}\n`);
    return promise;
  }
}
