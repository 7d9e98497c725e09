import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kubernetesRelease, rolloutsRelease } from '../test/control-plane/versions.ts';
import { exitCode, start } from './child-processes.ts';
import { COMPATIBILITY, record, type Compatibility } from './record-compatibility.ts';
import { closingLine, countsOf, type Counts } from './test-results.ts';

// What the gate (.ci/run) leaves out, in parts of less than an hour. A part that was stopped goes on where it was.

const ROOT = join(import.meta.dirname, '..');
const STATES = join(ROOT, '.cache', 'test-all');

/** One run of vitest. */
interface Item {
  readonly name: string;
  /** Test files; by default all of the configuration. */
  readonly files?: readonly string[];
  /** Whether both cores are kept busy meanwhile. */
  readonly busy?: boolean;
}

interface Part {
  readonly covers: string;
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Programs that are built before the first item, so that its time limits are not spent on that. */
  readonly controlPlane?: boolean;
  /** A variable of the environment without which there is nothing to run. */
  readonly needs?: string;
  /** How many items run at once, by default one. The output of each is shown when it has ended. */
  readonly atOnce?: number;
  /** What `--record` writes its results down as. */
  readonly runsWith?: Pick<Compatibility, 'component' | 'version'>;
  readonly items: readonly Item[];
}

function eachFile(pattern: string, except: readonly string[] = []): Item[] {
  return globSync(pattern, { cwd: ROOT })
    .filter((file) => !except.includes(file))
    .sort()
    .map((file) => ({ name: file, files: [file] }));
}

const E2E = { config: 'vitest.e2e.config.ts', controlPlane: true };
const LOAD = 'test/e2e/conversion-many.test.ts';
const PLUGIN = 'ROLLGATE_E2E_GATEWAY_PLUGIN';

// What the real controller decides or writes.
const WITH_CONTROLLER = eachFile(
  'test/e2e/{rules,upstream-verdicts,keeps,keeps-routers,keeps-routes,availability,second-controller,scaled-to-zero,timeline,conversion*,facts/*}.test.ts',
  [LOAD],
);
// What the API server decides, and how it asks.
const WITH_API_SERVER = eachFile(
  'test/e2e/{rules,upstream-verdicts,keeps,availability,chart,self-test,certificates,cert-manager,lifecycle,faults,late-definitions,trust-policies,trust-ways,conversion}.test.ts',
);

function withRollouts(version: '1.9.3' | '1.10'): Omit<Part, 'covers'> {
  return {
    ...E2E,
    env: { ROLLGATE_E2E_ROLLOUTS: version },
    atOnce: 2,
    runsWith: { component: 'Argo Rollouts', version: rolloutsRelease(version).slice(1) },
    items: WITH_CONTROLLER,
  };
}

function withKubernetes(version: '1.33' | '1.37'): Omit<Part, 'covers'> {
  return {
    ...E2E,
    env: { ROLLGATE_E2E_KUBERNETES: version },
    atOnce: 2,
    runsWith: { component: 'Kubernetes', version: kubernetesRelease(version).slice(1) },
    items: WITH_API_SERVER,
  };
}

const PARTS: Readonly<Record<string, Part>> = {
  'without-match-conditions': {
    covers:
      'the real control plane without matchConditions: what the API server does not ask must not change an answer',
    ...E2E,
    env: { ROLLGATE_E2E_MATCH_CONDITIONS: 'off' },
    atOnce: 2,
    items: eachFile('test/e2e/*.test.ts', [LOAD]),
  },
  load: {
    covers: '300 Deployments converted at once on the real control plane',
    ...E2E,
    items: [{ name: LOAD, files: [LOAD] }],
  },
  'argo-cd': {
    covers: 'the real Argo CD with and without Rollgate: the table of docs/argo-cd.md; the gate runs three scenarios',
    ...E2E,
    items: eachFile('test/e2e/argo-cd/*.test.ts'),
  },
  flux: {
    covers: 'the real kustomize-controller with and without Rollgate: the table of docs/flux.md',
    ...E2E,
    items: eachFile('test/e2e/flux/*.test.ts'),
  },
  attacks: {
    covers: 'attacks on the real control plane in all their sizes; the gate runs one short one of each kind',
    ...E2E,
    env: { ROLLGATE_E2E_ATTACKS: 'all' },
    items: eachFile('test/e2e/attack-*.test.ts'),
  },
  transitions: {
    covers:
      'every transition of docs/conversion.md by users with and without the right; the gate leaves out what ends alike for both',
    ...E2E,
    env: { ROLLGATE_E2E_TRANSITIONS: 'all' },
    items: eachFile('test/e2e/trust-transitions.test.ts'),
  },
  'agreement-20000': {
    covers:
      '20,000 generated bundles, and that they make every mistake and need every explanation; 20,000 generated updates',
    config: 'vitest.agreement.config.ts',
    controlPlane: true,
    items: [{ name: 'test/agreement' }],
  },
  'budgets-100000': {
    covers: '100,000 budgets and edits of fixtures: what is denied within a budget is a part of what is denied without',
    config: 'vitest.config.ts',
    env: { BUDGET_CASES: '100000' },
    items: eachFile('test/admission/budget.property.test.ts'),
  },
  'seen-changes-100000': {
    covers: '100,000 random edits of fixtures and generated bundles: the rules that run find what all rules find',
    config: 'vitest.config.ts',
    env: { SEEN_CHANGES_CASES: '100000' },
    items: eachFile('test/seen-changes.test.ts'),
  },
  'keeps-100000': {
    covers:
      '100,000 objects of each router: what is stored is never changed, the share stays, all other edits arrive, and the controller has nothing to write',
    config: 'vitest.config.ts',
    env: { KEEP_CASES: '100000' },
    items: eachFile('test/preserve-{controller,copies,ingress,virtual-nodes}.test.ts'),
  },
  'rollouts-1.10': {
    covers: 'the controller of Argo Rollouts 1.10: every fixture, the facts, keeps and conversion',
    ...withRollouts('1.10'),
  },
  'rollouts-1.9.3': {
    covers: 'the same with the newest patch of Argo Rollouts 1.9, which needs Go 1.26.10',
    ...withRollouts('1.9.3'),
  },
  'kubernetes-1.33': {
    covers: 'the API server and the controllers of Kubernetes 1.33: every fixture, webhooks, policies and conversion',
    ...withKubernetes('1.33'),
  },
  'kubernetes-1.37': { covers: 'the same with Kubernetes 1.37', ...withKubernetes('1.37') },
  'gateway-plugin': {
    covers: `the real Gateway API plugin; ${PLUGIN} names its program`,
    ...E2E,
    needs: PLUGIN,
    items: eachFile('test/e2e/{facts/gateway-plugin,keeps,keeps-routes}.test.ts'),
  },
  'mixed-load': {
    covers: 'ten minutes of mixed load: heap, files and handles afterwards as before; `npm test` runs a second of it',
    config: 'vitest.config.ts',
    env: { MIXED_LOAD_SECONDS: '600' },
    items: eachFile('test/load/*.test.ts'),
  },
  'units-20': {
    covers: '`npm test` twenty times, ten of them on a busy machine: no test fails by chance',
    config: 'vitest.config.ts',
    items: Array.from({ length: 20 }, (_, index) => ({
      name: `run ${index + 1}${index % 2 === 1 ? ', busy' : ''}`,
      busy: index % 2 === 1,
    })),
  },
};

/** What a part has come to so far, for one content of the work tree. */
interface State {
  readonly content: string;
  readonly passed: Record<string, Counts>;
  /** Items that failed at least once: they stay here when they pass later. */
  readonly failedBefore: string[];
}

// All that git does not ignore, with the Node that runs it.
function contentOfTree(): string {
  const hash = createHash('sha256').update(process.version);
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const name of [...new Set(listed.split('\0'))].sort()) {
    const path = join(ROOT, name);
    // What is written down of a run does not make it another one.
    if (name === COMPATIBILITY) continue;
    if (name === '' || !existsSync(path) || !lstatSync(path).isFile()) continue;
    hash.update(`${name}\0`).update(createHash('sha256').update(readFileSync(path)).digest());
  }
  return hash.digest('hex');
}

function stateOf(name: string, content: string, restart: boolean): State {
  const path = join(STATES, `${name}.json`);
  const none: State = { content, passed: {}, failedBefore: [] };
  if (restart || !existsSync(path)) return none;
  const state = JSON.parse(readFileSync(path, 'utf8')) as State;
  if (state.content === content) return state;
  console.log(`${name}: files have changed since it was run last, so it begins again`);
  return none;
}

function save(name: string, state: State): void {
  mkdirSync(STATES, { recursive: true });
  writeFileSync(join(STATES, `${name}.json`), `${JSON.stringify(state, null, 2)}\n`);
}

async function runItem({ config, env, atOnce = 1 }: Part, { files = [], busy = false }: Item): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'rollgate-test-all-'));
  const report = join(folder, 'report.json');
  const log = join(folder, 'output');
  const output = atOnce > 1 ? openSync(log, 'w') : undefined;
  const loops = busy ? [0, 1].map(() => start(['-e', 'for (;;);'], { stdio: 'ignore' })) : [];
  try {
    const args = ['run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile=${report}`];
    const code = await exitCode('node_modules/vitest/vitest.mjs', [...args, ...files], {
      cwd: ROOT,
      env,
      run: randomUUID(),
      output,
    });
    if (output !== undefined) process.stdout.write(readFileSync(log));
    const counts = countsOf([report]);
    // Vitest fails, too, when something is left behind or nothing is found to run.
    return code === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
    if (output !== undefined) closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Wish {
  readonly restart: boolean;
  readonly record: boolean;
}

async function runPart(name: string, part: Part, wish: Wish): Promise<Counts> {
  const began = performance.now();
  const state = stateOf(name, contentOfTree(), wish.restart);
  const rest = part.items.filter((item) => state.passed[item.name] === undefined);
  if (rest.length < part.items.length)
    console.log(
      `${name}: ${part.items.length - rest.length} of ${part.items.length} passed earlier with these files; --restart runs them again`,
    );
  if (part.controlPlane === true && rest.length > 0) {
    const code = await exitCode('test/control-plane/build.ts', [], { cwd: ROOT, env: part.env });
    if (code !== 0) throw new Error('the programs of the control plane could not be built');
  }
  const writeDown = (item: string, counts: Counts): void => {
    if (wish.record && part.runsWith !== undefined) record({ ...part.runsWith, suite: item, ...counts });
  };
  for (const [item, counts] of Object.entries(state.passed)) writeDown(item, counts);
  const other = { passed: 0, failed: 0 };
  const runNext = async (): Promise<void> => {
    const item = rest.shift();
    if (item === undefined) return;
    const start = performance.now();
    const counts = await runItem(part, item);
    if (counts.failed === 0) {
      state.passed[item.name] = counts;
    } else {
      other.passed += counts.passed;
      other.failed += counts.failed;
      if (!state.failedBefore.includes(item.name)) state.failedBefore.push(item.name);
    }
    save(name, state);
    writeDown(item.name, counts);
    console.log(`${name}: ${item.name}: ${closingLine(counts)}: ${seconds(start)}`);
    return runNext();
  };
  await Promise.all(Array.from({ length: part.atOnce ?? 1 }, runNext));
  const sum = (of: 'passed' | 'skipped'): number =>
    Object.values(state.passed).reduce((total, counts) => total + counts[of], 0);
  for (const item of state.failedBefore)
    if (state.passed[item] !== undefined)
      console.log(`${name}: ${item} passed now, but failed before with these same files: find out why`);
  console.log(`${name}: ${seconds(began)}`);
  return { passed: sum('passed') + other.passed, failed: other.failed, skipped: sum('skipped') };
}

function seconds(since: number): string {
  return `${Math.round((performance.now() - since) / 1000)} s`;
}

function list(): string {
  const width = Math.max(...Object.keys(PARTS).map((name) => name.length));
  return Object.entries(PARTS)
    .map(([name, { covers }]) => `  ${name.padEnd(width)}  ${covers}`)
    .join('\n');
}

function problemWith(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'no part is named';
  for (const name of names) {
    if (!Object.hasOwn(PARTS, name)) return `there is no part "${name}"`;
    const needs = PARTS[name]?.needs;
    if (needs !== undefined && process.env[needs] === undefined) return `${name} needs ${needs} to be set`;
  }
  return undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true, default: [] },
      restart: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) return console.log(list());
  const problem = problemWith(values.part);
  if (problem !== undefined) {
    console.error(
      `${problem}: use npm run test:all -- --part NAME [--restart] [--record], with NAME one of\n${list()}`,
    );
    process.exitCode = 2;
    return;
  }
  const total = { passed: 0, failed: 0 };
  for (const name of values.part) {
    const part = PARTS[name] as Part;
    const counts = await runPart(name, part, values);
    total.passed += counts.passed;
    total.failed += counts.failed;
  }
  console.log(closingLine(total));
  if (total.failed > 0) process.exitCode = 1;
}

await main();
