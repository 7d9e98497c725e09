import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse, stringify } from 'yaml';
import { render } from '../../../scripts/helm.ts';
import { asArray, dig, asString } from '../../../src/world/read.ts';
import { namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import type { Address } from '../../support/forwarder.ts';
import { certificateOf, ownCertificate, type CertificateOf } from './certificates.ts';
import type { ControlPlane, ServiceAccount } from './control-plane.ts';
import { yamlOf, type Kubectl } from './kubectl.ts';
import { objectsOf } from './objects.ts';
import { freePort, Program, until } from './program.ts';

const NAMESPACE = 'rollgate';
const NAME = 'rollgate';
/** The service account of Rollgate. */
export const ROLLGATE: ServiceAccount = { namespace: NAMESPACE, name: NAME };

// As in the chart.
const PROBE_TIMEOUT = 5_000;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const SOURCES = join(ROOT, 'src');
// Compiling the sources takes a third of the processor time of a start. Node.js writes this when a process ends by
// itself, for all that start later.
const COMPILED = join(ROOT, '.cache', 'compiled');
// The Node options of the image, so that figures of memory and threads are realistic.
const NODE_OPTIONS =
  /^ENTRYPOINT (\[.*\])$/m
    .exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
    ?.slice(1)
    .flatMap((entry) => JSON.parse(entry) as string[])
    .filter((arg) => arg.startsWith('--')) ?? [];

/** How Rollgate is installed. */
export interface InstallOptions {
  /** Values of the chart, as `--set` takes them. */
  readonly settings?: readonly string[] | undefined;
  /** The address at which Rollgate reaches the API server, if there is a proxy in between. */
  readonly server?: string | undefined;
  /** The folder of its sources, if it is not the project's. */
  readonly sources?: string | undefined;
  /** Where its certificate comes from; by default the harness makes one, unless Rollgate does. */
  readonly certificateFrom?: CertificateOf | undefined;
}

/**
 * Rollgate as the chart installs it: rights, policy and webhooks are the rendered ones. Its process runs with the token
 * of its service account and the arguments of its Deployment, except for paths and addresses. It listens at the
 * ClusterIP of its Service.
 */
export class Rollgate {
  readonly program: Program;
  /** The values of the chart that it was installed with, as arguments of Helm. */
  readonly values: readonly string[];
  readonly #healthPort: number;
  readonly #policyFile: string;

  private constructor(program: Program, values: readonly string[], healthPort: number, policyFile: string) {
    this.program = program;
    this.values = values;
    this.#healthPort = healthPort;
    this.#policyFile = policyFile;
  }

  /**
   * Installs Rollgate, and waits until it is ready and its webhooks are registered.
   *
   * @param kubectl - kubectl as the administrator.
   */
  static async install(controlPlane: ControlPlane, kubectl: Kubectl, options: InstallOptions = {}): Promise<Rollgate> {
    const { settings = [], server = controlPlane.person('admin').server, sources = SOURCES } = options;
    const isSelf = settings.includes('certificates.mode=self');
    const certificateFrom = options.certificateFrom ?? (isSelf ? ownCertificate : certificateOf);
    const folder = join(controlPlane.folder, 'rollgate');
    await mkdir(folder, { recursive: true });
    const certificate = await certificateFrom(folder, `${NAME}.${NAMESPACE}.svc`);
    const own = ['policy.mode=enforce'];
    // The whole suite runs with matchConditions and without them: they must not change an answer.
    if (process.env['ROLLGATE_E2E_MATCH_CONDITIONS'] === 'off') own.push('webhooks.matchConditions=false');
    const values = [...certificate.values, ...[...own, ...settings].flatMap((setting) => ['--set', setting])];
    const rendered = objectsOf(render(...values));
    const isWebhooks = ({ kind }: KubeObject): boolean => kind.endsWith('WebhookConfiguration');
    for (const namespace of new Set([NAMESPACE, ...rendered.map(namespaceOf)]))
      if (namespace !== '') await kubectl.try(['create', 'namespace', namespace]);
    await kubectl.run(['apply', '-f', '-'], yamlOf(rendered.filter((object) => !isWebhooks(object))));

    const service = await controlPlane.admin.get('v1', 'Service', NAMESPACE, NAME);
    const healthPort = await freePort(asString(dig(service, 'spec', 'clusterIP')));
    const policyFile = join(folder, 'rollgate.yaml');
    const policy = rendered.find((object) => dig(object, 'data', 'rollgate.yaml') !== undefined);
    await writeFile(policyFile, asString(dig(policy, 'data', 'rollgate.yaml')));
    const deployment = rendered.find(({ kind }) => kind === 'Deployment');
    const directory = await certificate.directory();
    const here: Readonly<Record<string, string>> = {
      ...(directory === undefined ? {} : { 'cert-dir': directory }),
      policy: policyFile,
      host: asString(dig(service, 'spec', 'clusterIP')),
      port: '443',
      'health-port': String(healthPort),
      kubeconfig: await controlPlane.kubeconfig({ ...(await controlPlane.account(ROLLGATE)), server }, 'rollgate'),
    };
    const args = asArray(dig(asArray(dig(deployment, 'spec', 'template', 'spec', 'containers'))[0], 'args')).map(
      asString,
    );
    const kept = args.filter((arg) => !Object.keys(here).some((name) => arg.startsWith(`--${name}=`)));
    const program = new Program({
      name: 'rollgate',
      command: process.execPath,
      args: [
        ...NODE_OPTIONS,
        join(sources, 'cli.ts'),
        ...kept,
        ...Object.entries(here).map(([name, value]) => `--${name}=${value}`),
      ],
      env: { POD_NAMESPACE: NAMESPACE, NODE_COMPILE_CACHE: COMPILED },
      log: join(controlPlane.folder, 'rollgate.log'),
    });
    const rollgate = new Rollgate(program, values, healthPort, policyFile);
    await rollgate.start();
    await kubectl.run(['apply', '-f', '-'], yamlOf(rendered.filter(isWebhooks)));
    return rollgate;
  }

  /**
   * Starts a second replica, and waits until it is ready. No Service leads to it; otherwise it takes part in
   * everything.
   */
  async second(): Promise<Rollgate> {
    const second = await this.replica('rollgate-2');
    await second.start();
    return second;
  }

  /** Starts the process, and waits until it is ready. */
  async start(): Promise<void> {
    this.program.start();
    await this.ready();
  }

  /**
   * Returns another process, as the pod of another replica, with its own address. It is not started, and not stopped
   * with the cluster.
   *
   * @param values - Further arguments by name.
   */
  async replica(name: string, values: Readonly<Record<string, string>> = {}): Promise<Rollgate> {
    const [port, healthPort] = [await freePort(), await freePort()];
    const log = join(dirname(this.program.log), `${name}.log`);
    return new Rollgate(
      this.program.like(
        name,
        { host: '127.0.0.1', port: String(port), 'health-port': String(healthPort), ...values },
        log,
      ),
      this.values,
      healthPort,
      this.#policyFile,
    );
  }

  /** The address at which it listens. */
  get address(): Address {
    return { host: this.program.argument('host') ?? '', port: Number(this.program.argument('port')) };
  }

  /** Waits until it is ready. */
  async ready(within = 60_000): Promise<void> {
    await until(
      'Rollgate',
      async () => {
        if (!this.program.running) throw new Error(this.program.output().slice(-2_000));
        return (await this.#get('/readyz')).code === 200;
      },
      { within },
    );
  }

  /** Probes `/livez` as the kubelet does. Returns why the probe fails, or undefined. */
  async live(): Promise<string | undefined> {
    try {
      const { code, body } = await this.#get('/livez', AbortSignal.timeout(PROBE_TIMEOUT));
      return code === 200 ? undefined : `${code} ${body}`;
    } catch (error) {
      return String(error);
    }
  }

  /** Returns its metrics in the format of Prometheus. */
  async metrics(): Promise<string> {
    return (await this.#get('/metrics')).body;
  }

  /** Writes a text as the policy, and returns the text of before. */
  async policyText(text: string): Promise<string> {
    const before = await readFile(this.#policyFile, 'utf8');
    await writeFile(this.#policyFile, text);
    return before;
  }

  /** Changes the policy, and waits until the change is in force. */
  async policy(change: (policy: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
    const reloads = async (): Promise<string | undefined> =>
      /rollgate_policy_reloads_total\{result="success"\} (\d+)/.exec(await this.metrics())?.[1];
    const before = await reloads();
    const text = await readFile(this.#policyFile, 'utf8');
    const changed = stringify(change(parse(text) as Record<string, unknown>));
    if (changed === text) return;
    await writeFile(this.#policyFile, changed);
    await until('the new policy', async () => (await reloads()) !== before);
  }

  /** Returns the log lines about decisions, oldest first. */
  decisions(): Record<string, unknown>[] {
    return this.program
      .lines()
      .filter((line) => line.includes('"verdict"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #get(path: string, signal?: AbortSignal): Promise<{ code: number; body: string }> {
    const host = this.program.argument('host');
    const options = { host, port: this.#healthPort, path, agent: false, ...(signal === undefined ? {} : { signal }) };
    return new Promise((resolve, reject) => {
      http
        .get(options, (response) => {
          text(response).then((body) => resolve({ code: response.statusCode ?? 0, body }), reject);
        })
        .on('error', reject);
    });
  }
}
