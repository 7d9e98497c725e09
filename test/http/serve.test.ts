import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UserInfo } from '../../src/admission/review.ts';
import type { Cluster } from '../../src/commands/serve/cluster.ts';
import type { ServeOptions } from '../../src/commands/serve/options.ts';
import { serve, type ServeDependencies } from '../../src/commands/serve/serve.ts';
import { createLog, LOG_LEVELS } from '../../src/server/log.ts';
import type { RunningServer } from '../../src/server/server.ts';
import { storeOf } from '../../src/world/store.ts';
import { worldOf } from '../support/app.ts';
import { asFiles, certificate } from '../support/certificates.ts';
import { liveOf, UNREADABLE } from '../support/gate.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'serve-'));
  cleanup.push(() => rm(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const DEFAULTS: ServeOptions = { port: 0, healthPort: 0, logLevel: 'info', maxInFlight: 100, tlsMinVersion: '1.3' };

interface Served {
  readonly running: RunningServer;
  readonly lines: readonly Json[];
}

async function start(options: Partial<ServeOptions>, dependencies: Partial<ServeDependencies> = {}): Promise<Served> {
  const lines: Json[] = [];
  const log = createLog(options.logLevel ?? 'info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Json),
  });
  const running = await serve({ ...DEFAULTS, ...options }, { log, droppedLogLines: () => 0, ...dependencies });
  cleanup.push(() => Promise.all([running.stop(), running.stop()]));
  return { running, lines };
}

function agent(): https.Agent {
  const made = new https.Agent({ keepAlive: true });
  cleanup.push(() => made.destroy());
  return made;
}

function unroutedRollout(): Json {
  return JSON.parse(JSON.stringify(shopObject('Rollout', 'reviews')).replace('"main"', '"primary"')) as Json;
}

describe('rollgate serve --manifests', () => {
  it('answers from the manifests, with a self-made certificate', async () => {
    const { running, lines } = await start({
      manifests: [await directory({ 'shop.yaml': SHOP, 'broken.yaml': 'apiVersion: v1\nkind: [' })],
    });
    const ready = await fetch(`http://127.0.0.1:${running.healthPort}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([200, '[+] serving: ok\n[+] certificate: ok\nready\n']);
    const review = reviewOf({
      operation: 'UPDATE',
      object: unroutedRollout(),
      oldObject: shopObject('Rollout', 'reviews'),
    });
    const { status, body, peer } = await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ response: { allowed: false, status: { code: 422 } } });
    expect(peer.subject.CN).toBe('localhost');
    const dry = await ask(running.port, '/v1/dry-run', agent(), JSON.stringify(unroutedRollout()));
    expect(JSON.parse(dry.body)).toMatchObject({ verdict: 'deny' });
    const rules = JSON.parse((await ask(running.port, '/v1/rules', agent())).body) as { rules: Json[] };
    expect(rules.rules.map(({ id }) => id)).toContain('virtualservice-route-exists');
    expect(lines.map(({ msg }) => msg)).toEqual([
      'a manifest could not be read',
      'manifests read',
      expect.stringContaining('no account of an Argo Rollouts controller is known') as string,
      'serving',
      'decided',
    ]);
    expect(lines.find(({ msg }) => msg === 'serving')).toMatchObject({
      port: running.port,
      healthPort: running.healthPort,
      certificate: { fingerprint: peer.fingerprint256 },
    });
  });

  it('applies the policy, uses the given certificate, and takes the controller from the policy', async () => {
    const pair = certificate();
    const files = await directory({
      'shop.yaml': SHOP,
      'rollgate.yml':
        'mode: audit\ncontrollers: {accounts: ["system:serviceaccount:argo-rollouts:argo-rollouts"]}\nrules: {unknown-field: off}\n',
      ...asFiles(pair),
    });
    const { running, lines } = await start({
      manifests: [join(files, 'shop.yaml')],
      policy: join(files, 'rollgate.yml'),
      certDir: files,
    });
    const review = reviewOf({
      operation: 'UPDATE',
      object: unroutedRollout(),
      oldObject: shopObject('Rollout', 'reviews'),
    });
    const { body } = await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(JSON.parse(body)).toMatchObject({
      response: { allowed: true, warnings: [expect.stringContaining('virtualservice-route-exists') as string] },
    });
    expect(lines.filter(({ msg }) => String(msg).includes('no account'))).toEqual([]);
    const service = shopObject('Service', 'reviews-canary');
    service['spec'] = { ...(service['spec'] as Json), selector: { app: 'reviews' } };
    const kept = await ask(
      running.port,
      '/mutate',
      agent(),
      JSON.stringify(
        reviewOf({ operation: 'UPDATE', object: service, oldObject: shopObject('Service', 'reviews-canary') }),
      ),
    );
    expect(JSON.parse(kept.body)).toMatchObject({ response: { patchType: 'JSONPatch' } });
  });

  it.each([
    ['trusted by default', 'argo-rollouts', '{}', { verdict: 'exempt' }],
    ['not trusted elsewhere', 'tenant', '{}', { verdict: 'deny' }],
    ['trusted where the policy says so', 'tenant', '{ namespaces: [tenant] }', { verdict: 'exempt' }],
    ['trusted nowhere by an empty list', 'argo-rollouts', '{ namespaces: [] }', { verdict: 'deny' }],
  ])('a controller is %s: in %s with %s', async (_, namespace, controllers, outcome) => {
    const deployment = `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: argo-rollouts, namespace: ${namespace}, labels: { app.kubernetes.io/name: argo-rollouts } }
spec:
  selector: { matchLabels: { app: it } }
  template: { metadata: { labels: { app: it } }, spec: { serviceAccountName: it, containers: [{ name: it, image: 'it:1' }] } }
`;
    const files = await directory({
      'shop.yaml': `${SHOP}${deployment}`,
      'rollgate.yml': `controllers: ${controllers}\n`,
    });
    const { running, lines } = await start({
      manifests: [join(files, 'shop.yaml')],
      policy: join(files, 'rollgate.yml'),
      logLevel: 'debug',
    });
    const review = reviewOf({
      operation: 'UPDATE',
      object: unroutedRollout(),
      oldObject: shopObject('Rollout', 'reviews'),
      user: `system:serviceaccount:${namespace}:it`,
    });
    await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(lines.find(({ msg }) => msg === 'decided')).toMatchObject(outcome);
    const isEmpty = lines.some(({ msg }) => typeof msg === 'string' && msg.startsWith('controllers.namespaces'));
    expect(isEmpty).toBe(controllers === '{ namespaces: [] }');
  });

  it.each<[string, (path: string) => Partial<ServeOptions>, RegExp]>([
    [
      'manifests that are not there',
      (path) => ({ manifests: [join(path, 'nowhere')] }),
      /nowhere: no such file or directory$/,
    ],
    ['a certificate that is not there', (path) => ({ manifests: [path], certDir: path }), /ENOENT.*tls\.(crt|key)/],
    [
      'no certificate for a cluster',
      () => ({}),
      /^a certificate is required: name the directory of tls\.crt and tls\.key with --cert-dir, or a Secret with --certificate-secret$/,
    ],
    [
      'two certificates',
      (path) => ({ certDir: path, certificateSecret: 'a/b' }),
      /^use either --cert-dir or --certificate-secret$/,
    ],
    [
      'a Secret and no cluster',
      (path) => ({ manifests: [path], certificateSecret: 'a/b' }),
      /^--certificate-secret needs a cluster: remove it, or --manifests$/,
    ],
    [
      'a Secret and nothing that it is for',
      () => ({ certificateSecret: 'a/b', webhookConfigurations: 'gate' }),
      /^--certificate-secret needs --certificate-service and --webhook-configurations$/,
    ],
    [
      'names for a Secret that is not named',
      (path) => ({ manifests: [path], webhookConfigurations: 'gate' }),
      /^--webhook-configurations has no effect without --certificate-secret$/,
    ],
    [
      'a Secret without its namespace',
      () => ({ certificateSecret: 'b', certificateService: 'a/c', webhookConfigurations: 'gate' }),
      /^--certificate-secret: use NAMESPACE\/NAME instead of "b"$/,
    ],
  ])('does not begin with %s', async (_name, options, message) => {
    const path = await directory({ 'shop.yaml': SHOP });
    await expect(start(options(path))).rejects.toThrow(message);
  });

  it.each([
    ['unknown rule', 'rules: { no-such-rule: warn }', 'the policy is invalid', 'unknown rule "no-such-rule"', 'on'],
    ['unknown key', 'mod: enforce', 'the policy is invalid', 'unknown key "mod"; did you mean "mode"?', 'off'],
    ['no file', undefined, 'the policy file cannot be read', 'rollgate.yml: no such file or directory', 'off'],
  ])('begins without a valid policy (%s), denies nothing, and says so', async (_, policy, fault, reason, keeps) => {
    const controllers = 'controllers: {accounts: ["system:serviceaccount:argo-rollouts:argo-rollouts"]}';
    const files = await directory({ 'shop.yaml': SHOP });
    const file = join(files, 'rollgate.yml');
    if (policy !== undefined) await writeFile(file, `${controllers}\n${policy}\n`);
    const { running, lines } = await start({ manifests: [join(files, 'shop.yaml')], policy: file });
    const level = 'error';
    const msg = `${fault}; until it is fixed, nothing is denied or converted`;
    expect(lines).toContainEqual(
      expect.objectContaining({ level, msg, keeps, reason: expect.stringContaining(reason) as string }),
    );
    const health = `http://127.0.0.1:${running.healthPort}`;
    const ready = await fetch(`${health}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringContaining(`[!] policy: ${fault}, so nothing is denied and nothing is converted`),
    ]);
    const metrics = await (await fetch(`${health}/metrics`)).text();
    expect(metrics).toContain('rollgate_policy_fallback 1\n');
    expect(metrics).toContain('rollgate_policy_reloads_total{result="error"} 1\n');

    const oldObject = shopObject('Rollout', 'reviews');
    const review = reviewOf({ operation: 'UPDATE', object: unroutedRollout(), oldObject });
    const { body } = await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(JSON.parse(body)).toMatchObject({
      response: { allowed: true, warnings: [expect.stringContaining('virtualservice-route-exists') as string] },
    });
    const service = shopObject('Service', 'reviews-canary');
    const plain = { ...service, spec: { ...(service['spec'] as Json), selector: { app: 'reviews' } } };
    const applied = JSON.stringify(reviewOf({ operation: 'UPDATE', object: plain, oldObject: service }));
    const kept = JSON.parse((await ask(running.port, '/mutate', agent(), applied)).body) as Json;
    expect('patch' in (kept['response'] as Json)).toBe(keeps === 'on');
  });

  it('does not start if a port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanup.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    await expect(start({ manifests: [await directory({ 'shop.yaml': SHOP })], port })).rejects.toThrow(
      `port ${port} is in use: choose another with --port or --health-port`,
    );
  });
});

describe('rollgate serve with a cluster', () => {
  const jane: UserInfo = { username: 'jane', groups: [], uid: '', extra: {} };

  function clusterWith(parts: Partial<Cluster> = {}): Cluster {
    return {
      world: worldOf(SHOP),
      live: UNREADABLE,
      authorizer: {
        authenticate: (token) => Promise.resolve(token === 'good' ? jane : undefined),
        mayUse: () => Promise.resolve(true),
        mayRead: () => Promise.resolve(true),
        mayBreakGlass: () => Promise.resolve(true),
        mayCreateRollouts: () => Promise.resolve(true),
      },
      checks: [],
      discovered: () => ({ trusted: [], untrusted: [] }),
      caches: () => [],
      cacheBytes: () => 0,
      stop: () => Promise.resolve(),
      ...parts,
    };
  }

  async function startWith(cluster: Cluster): Promise<Served> {
    const certDir = await directory(asFiles(certificate()));
    return start(
      { certDir, host: '127.0.0.1' },
      { connect: () => Promise.resolve(cluster), drain: { quiet: 0, longest: 0, grace: 100 } },
    );
  }

  it('is ready when the cluster is ready, requires tokens, and shows the caches', async () => {
    let why: string | undefined = 'rollouts were not read yet';
    const { running, lines } = await startWith(
      clusterWith({
        checks: [{ name: 'caches', failing: () => why }],
        caches: () => [{ kind: 'Service', synced: true, staleness: 3, nameOnly: 0 }],
        cacheBytes: () => 4096,
      }),
    );
    const readyz = `http://127.0.0.1:${running.healthPort}/readyz`;
    expect((await fetch(readyz)).status).toBe(503);
    // Controllers are unknown before the cluster was read.
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
    why = undefined;
    expect((await fetch(readyz)).status).toBe(200);
    expect((await ask(running.port, '/v1/dry-run', agent(), JSON.stringify(unroutedRollout()))).status).toBe(401);
    const metrics = await (await fetch(`http://127.0.0.1:${running.healthPort}/metrics`)).text();
    expect(metrics).toContain('rollgate_cache_staleness_seconds{kind="Service"} 3\n');
    expect(metrics).toContain('rollgate_cache_bytes 4096\n');
  });

  it('reports accounts that only look like controllers, has keeps on, and is ready', async () => {
    const tenant = 'system:serviceaccount:tenant:argo-rollouts';
    const { running, lines } = await startWith(
      clusterWith({ discovered: () => ({ trusted: [], untrusted: [tenant] }) }),
    );
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ account: tenant }]);
    const health = `http://127.0.0.1:${running.healthPort}`;
    expect((await fetch(`${health}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${health}/metrics`)).text();
    expect(metrics).toContain('rollgate_untrusted_controllers 1\n');
    expect(metrics).toContain('rollgate_keeps_off 0\n');
  });

  it('warns instead of denying if live objects cannot be read', async () => {
    const { running } = await startWith(clusterWith());
    const review = reviewOf({
      operation: 'UPDATE',
      object: unroutedRollout(),
      oldObject: shopObject('Rollout', 'reviews'),
    });
    const { body } = await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(JSON.parse(body)).toMatchObject({
      response: {
        allowed: true,
        warnings: expect.arrayContaining([
          expect.stringContaining('virtualservice-route-exists') as string,
        ]) as string[],
      },
    });
  });

  it('tells of namespaces whose label names nothing in the policy, in the log and without names in the metrics', async () => {
    const labels = { 'rollgate.io/convert': 'canry' };
    const world = storeOf([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } }]);
    const { running, lines } = await startWith(clusterWith({ world }));
    expect(lines.filter(({ msg }) => msg === 'a label of a namespace has no effect')).toEqual([
      expect.objectContaining({ namespace: 'shop', reason: expect.stringContaining('use "canary"') as string }),
    ]);
    const metrics = await (await fetch(`http://127.0.0.1:${running.healthPort}/metrics`)).text();
    expect(metrics.split('\n').filter((line) => line.startsWith('rollgate_unknown_labels'))).toEqual([
      'rollgate_unknown_labels{label="rollgate.io/policy"} 0',
      'rollgate_unknown_labels{label="rollgate.io/convert"} 1',
    ]);
  });

  it('accepts break-glass only if the API server confirms the right', async () => {
    const world = worldOf(SHOP);
    const live = liveOf(() => [...world.all()]);
    const rollout = unroutedRollout();
    rollout['metadata'] = {
      ...(rollout['metadata'] as Json),
      annotations: {
        'rollgate.io/break-glass': `${new Date(Date.now() + 3_600_000).toISOString()} the controller is dead`,
      },
    };
    const review = JSON.stringify(
      reviewOf({ operation: 'UPDATE', object: rollout, oldObject: shopObject('Rollout', 'reviews') }),
    );
    for (const [mayBreakGlass, allowed] of [
      [() => Promise.resolve(true), true],
      [() => Promise.resolve(false), false],
      [() => Promise.reject(new Error('connection refused')), false],
    ] as const) {
      const { running, lines } = await startWith(
        clusterWith({ world, live, authorizer: { ...clusterWith().authorizer, mayBreakGlass } }),
      );
      const { body } = await ask(running.port, '/validate', agent(), review);
      expect(JSON.parse(body)).toMatchObject({ response: { allowed } });
      expect(lines.filter(({ msg }) => msg === 'internal error')).toEqual([]);
    }
  });

  it('stops the cluster when it stops, and when it cannot start', async () => {
    let stopped = 0;
    const stop = (): Promise<void> => {
      stopped++;
      return Promise.resolve();
    };
    const { running } = await startWith(clusterWith({ stop }));
    await running.stop();
    expect(stopped).toBe(1);
    const certDir = await directory(asFiles(certificate()));
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanup.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    await expect(
      start({ certDir, host: '127.0.0.1', port }, { connect: () => Promise.resolve(clusterWith({ stop })) }),
    ).rejects.toThrow('is in use');
    expect(stopped).toBe(2);
  });
});

describe('the process', () => {
  const CLI = join(import.meta.dirname, '../../src/cli.ts');

  function launch(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [CLI, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    cleanup.push(() => child.kill('SIGKILL'));
    return child;
  }

  async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string; stdout: string }> {
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    const [output, errors, [code]] = await Promise.all([
      textOf(stdout),
      textOf(stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { code, stderr: errors, stdout: output };
  }

  it.each([
    [['--port', 'x'], "error: option '--port <number>' argument 'x' is invalid. use a whole number from 0 to 65535."],
    [['--port', '70000'], 'use a whole number from 0 to 65535.'],
    [['--tls-min-version', '1.1'], 'Allowed choices are 1.2, 1.3.'],
    [['--polcy', 'x'], "error: unknown option '--polcy'"],
    [['--manifests', 'no-such-directory'], 'rollgate serve: no-such-directory: no such file or directory\n'],
  ])('exits with 2 and a reason for %s', async (args, message) => {
    const { code, stderr, stdout } = await ended(launch(args));
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('accepts exactly the log levels that the chart accepts', async () => {
    const schema: unknown = JSON.parse(
      await readFile(join(import.meta.dirname, '../../chart/values.schema.json'), 'utf8'),
    );
    expect(schema).toMatchObject({ properties: { logLevel: { enum: [...LOG_LEVELS] } } });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and writes its whole log', async (signal) => {
    const child = launch(['--manifests', await directory({ 'shop.yaml': SHOP }), '--port', '0', '--health-port', '0']);
    const result = ended(child);
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"msg":"serving"')) resolve();
      });
    });
    child.kill(signal);
    const { code, stdout, stderr } = await result;
    expect([code, stderr]).toEqual([0, '']);
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Json)['msg']);
    expect(messages.slice(-3)).toEqual(['serving', 'asked to stop', 'stopping']);
  });
});

describe('a log that cannot be written', () => {
  const CLI = join(import.meta.dirname, '../../src/cli.ts');

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  it.each(['/dev/full', 'a pipe', 'a socket'])(
    'because it goes to %s that takes nothing stops neither reviews nor SIGTERM',
    async (output) => {
      const [port, healthPort] = [await freePort(), await freePort()];
      const path = await directory({ 'shop.yaml': SHOP });
      let stdout: number | 'pipe' = 'pipe';
      if (output !== 'a socket') {
        const fifo = join(path, 'fifo');
        if (output === 'a pipe') await promisify(execFile)('mkfifo', [fifo]);
        const file = output === '/dev/full' ? output : fifo;
        // Of a pipe this is also the reading end, so that it exists and reads nothing.
        const handle = await open(file, 'r+');
        cleanup.push(() => handle.close());
        stdout = handle.fd;
      }
      const args = [CLI, 'serve', '--manifests', join(path, 'shop.yaml')];
      const child = spawn(process.execPath, [...args, '--port', String(port), '--health-port', String(healthPort)], {
        stdio: ['ignore', stdout, 'inherit'],
      });
      cleanup.push(() => child.kill('SIGKILL'));
      const exited = once(child, 'exit');
      const health = `http://127.0.0.1:${healthPort}`;
      await vi.waitFor(async () => expect((await fetch(`${health}/readyz`)).status).toBe(200), {
        timeout: 60_000,
        interval: 100,
      });
      // Each line is some hundred characters longer than usual: together they are as long as those of 10,000 requests.
      const user = 'u'.repeat(300);
      const object = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'n'.repeat(300), namespace: 's'.repeat(300) },
      };
      const review = JSON.stringify(reviewOf({ operation: 'CREATE', object, user }));
      const client = agent();
      const send = async (): Promise<void> => {
        for (let index = 0; index < 200; index++)
          expect((await ask(port, '/validate', client, review)).status).toBe(200);
      };
      await Promise.all(Array.from({ length: 12 }, send));
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    },
    120_000,
  );
});
