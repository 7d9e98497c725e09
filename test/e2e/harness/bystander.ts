import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { KubeObject } from '../../../src/world/object.ts';
import { dig, asString } from '../../../src/world/read.ts';
import type { Cluster } from './cluster.ts';

/** What happened to the requests of others, and to the process. */
export interface Outcome {
  /** Invalid Rollouts that were sent, and the answers to those that were admitted. */
  readonly invalid: number;
  readonly admitted: readonly string[];
  /** Valid Rollouts that were sent, and the answers to those that were not admitted. */
  readonly valid: number;
  readonly refused: readonly string[];
  /** Probes of `/livez`, and why those that failed did. */
  readonly probes: number;
  readonly unanswered: readonly string[];
  /** Whether it is still the same process. */
  readonly lives: boolean;
  /** The most resident memory so far, in MiB. */
  readonly peak: number;
}

const INVALID = '[rollgate/rollout-steps]';
const BETWEEN_PROBES = 250;
// A limit, so that it always ends.
const MOST = 5_000;
/** How many invalid Rollouts of others are sent during an attack, at least. */
const AT_LEAST = 23;

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The memory limit of the container in MiB, as the chart sets it. */
export const MEMORY_LIMIT = memoryLimit();

function memoryLimit(): number {
  const limit = asString(
    dig(parse(readFileSync(join(ROOT, 'chart', 'values.yaml'), 'utf8')), 'resources', 'limits', 'memory'),
  );
  const mebibytes = /^(\d+)Mi$/.exec(limit)?.[1];
  if (mebibytes === undefined) throw new Error(`resources.limits.memory is not a number of Mi: ${limit}`);
  return Number(mebibytes);
}

/** Somebody in a namespace of their own, who sends small requests while others attack. */
export class Bystander {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  #sent = 0;

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  static async arrive(cluster: Cluster): Promise<Bystander> {
    return new Bystander(cluster, await cluster.namespace('bystander'));
  }

  /**
   * Sends invalid and valid Rollouts in turn, and probes as the kubelet does, until an attack has ended and there were
   * enough of them. The baseline is the same without an attack.
   */
  async during(attack: () => Promise<unknown> = () => Promise.resolve()): Promise<Outcome> {
    const { pid } = this.#cluster.rollgate.program;
    const seen = { invalid: 0, admitted: [] as string[], valid: 0, refused: [] as string[] };
    const probed = { probes: 0, unanswered: [] as string[] };
    let isOver = false;
    const apply = async (): Promise<void> => {
      for (let count = 0; (!isOver || seen.invalid < AT_LEAST) && count < MOST; count++) {
        const wrong = await this.#propose(120);
        seen.invalid++;
        if (!wrong.includes(INVALID) || wrong.startsWith('2')) seen.admitted.push(wrong);
        const right = await this.#propose(20);
        seen.valid++;
        if (!right.startsWith('2')) seen.refused.push(right);
      }
    };
    const applied = apply().finally(() => (isOver = true));
    const probe = async (): Promise<void> => {
      do {
        probed.probes++;
        const why = await this.#cluster.rollgate.live();
        if (why !== undefined) probed.unanswered.push(why);
        await sleep(BETWEEN_PROBES);
      } while (!isOver || seen.invalid < AT_LEAST);
    };
    const probes = probe();
    try {
      await attack();
    } finally {
      isOver = true;
      await Promise.all([applied, probes]);
    }
    const { program } = this.#cluster.rollgate;
    return { ...seen, ...probed, lives: program.running && program.pid === pid, peak: peakMemory(program.pid) };
  }

  /** Returns the status and the message, of a Rollout that is not stored. */
  async #propose(setWeight: number): Promise<string> {
    const { code, body } = await this.#cluster.controlPlane.admin.propose(this.#rollout(setWeight));
    return `${code} ${asString(dig(body, 'message'))}`;
  }

  #rollout(setWeight: number): KubeObject {
    const name = `web-${++this.#sent}`;
    return {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name, namespace: this.#namespace },
      spec: {
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
        strategy: { canary: { steps: [{ setWeight }] } },
      },
    };
  }
}

/** Returns the most resident memory of a process so far, in MiB. 0 if it has ended. */
function peakMemory(pid: number | undefined): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kibibytes) / 1024);
  } catch {
    return 0;
  }
}

/** Asserts that others lost nothing, and that the process lives within the memory of its container. */
export function expectNoHarm(what: string, { lives, peak, ...outcome }: Outcome): void {
  const { invalid, admitted, valid, refused, probes, unanswered } = outcome;
  console.log(
    `${what}: ${invalid} invalid Rollouts of others, ${admitted.length} admitted; ${valid} valid ones, ${refused.length} refused; ${probes} probes, ${unanswered.length} unanswered; at most ${peak} MiB`,
  );
  expect({ lives, admitted, refused, unanswered }).toEqual({ lives: true, admitted: [], refused: [], unanswered: [] });
  expect(invalid).toBeGreaterThanOrEqual(AT_LEAST);
  expect(peak).toBeLessThanOrEqual(MEMORY_LIMIT);
}
