import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../src/program.ts';
import { objectsIn } from '../support/gate.ts';
import type { FakeApiServer } from '../support/fake-apiserver.ts';
import { serve } from './helpers.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function cluster(...files: string[]): Promise<{ server: FakeApiServer; kubeconfig: string }> {
  const server = await serve();
  for (const file of files) for (const object of objectsIn(join(EXAMPLES, file))) server.put(object);
  const folder = mkdtempSync(join(tmpdir(), 'rollgate-'));
  folders.push(folder);
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, server.kubeConfig().exportConfig());
  return { server, kubeconfig };
}

async function run(...args: string[]): Promise<{ code: number | undefined; out: string; err: string }> {
  return runWith(() => Promise.resolve(), ...args);
}

/** @param pause - Called where the command waits. */
async function runWith(
  pause: (milliseconds: number) => Promise<void>,
  ...args: string[]
): Promise<{ code: number | undefined; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    stdin: (async function* () {})(),
    cwd: EXAMPLES,
    isTTY: false,
    env: {},
    pause,
  };
  const code = await main(args, io);
  return { code, out, err };
}

const CLASSIC = [
  'istio-subset-level/classic-destination-rule/rollout.yaml',
  'istio-subset-level/classic-destination-rule/mesh.yaml',
];

describe('rollgate scan', () => {
  it('reports what is wrong in the cluster now', async () => {
    const { kubeconfig } = await cluster(...CLASSIC);
    const { code, out, err } = await run('scan', '--kubeconfig', kubeconfig, '-o', 'json');
    expect(err).toBe('');
    expect(code).toBe(1);
    const report = JSON.parse(out) as { verdict: string; findings: { rule: string; object: { name: string } }[] };
    expect(report.verdict).toBe('deny');
    expect(report.findings.map(({ rule, object }) => `${rule} ${object.name}`)).toEqual([
      'destinationrule-subset-labels destrule-app07',
      'destinationrule-subset-labels destrule-app07',
    ]);
  });

  it('counts, by namespace, what an enforced policy would deny', async () => {
    const { kubeconfig } = await cluster(...CLASSIC);
    expect((await run('scan', '--kubeconfig', kubeconfig, '--would-deny')).out).toBe(
      'namespace\twould be denied\tby rule\ntest-ar-istio\t2\tdestinationrule-subset-labels 2\n',
    );
  });

  it('reports nothing if nothing is wrong', async () => {
    const { kubeconfig } = await cluster('istio-host-level/manifests.yaml');
    const { code, out } = await run('scan', '--kubeconfig', kubeconfig, '--would-deny');
    expect(code).toBe(0);
    expect(out).toMatch(/^Nothing would be denied/);
  });

  it('reports labels of namespaces that name nothing in the policy, if it is known', async () => {
    const { server, kubeconfig } = await cluster('istio-host-level/manifests.yaml');
    const label = (name: string, label: string, value: string): unknown =>
      server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [label]: value } } });
    label('shop', 'rollgate.io/policy', 'strickt');
    label('mesh', 'rollgate.io/convert', 'canry');
    label('good', 'rollgate.io/policy', 'strict');
    const policy = join(kubeconfig, '..', 'rollgate.yaml');
    writeFileSync(policy, 'overrides: [{ name: strict }]');
    const { code, out } = await run('scan', '--kubeconfig', kubeconfig, '--policy', policy, '-o', 'json');
    expect(code).toBe(0);
    expect((JSON.parse(out) as { findings: unknown[] }).findings).toEqual([
      expect.objectContaining({
        rule: 'namespace-label',
        decision: 'warn',
        object: expect.objectContaining({ kind: 'Namespace', name: 'mesh' }) as unknown,
        path: 'metadata.labels["rollgate.io/convert"]',
        message: 'label rollgate.io/convert names profile "canry", which the policy does not have, so it has no effect',
        fix: 'use "canary"',
      }),
      expect.objectContaining({ object: expect.objectContaining({ name: 'shop' }) as unknown, fix: 'use "strict"' }),
    ]);
    const text = await run('scan', '--kubeconfig', kubeconfig, '--policy', policy, '-n', 'shop');
    expect(text.out).toContain('Namespace shop, in the cluster');
    expect(text.out).toContain('names override "strickt"');
    expect(text.out).not.toContain('canry');
    const without = await run('scan', '--kubeconfig', kubeconfig);
    expect(without.out).not.toContain('rollgate.io/');
    expect(without.err).toContain('name its file with --policy');
  });

  it('looks again after a minute at what differs from the status of a Rollout', async () => {
    const { server, kubeconfig } = await cluster('istio-host-level/manifests.yaml');
    const status = { currentPodHash: 'b', stableRS: 'a', canary: { weights: { canary: { weight: 20 } } } };
    const rollout = objectsIn(join(EXAMPLES, 'istio-host-level/manifests.yaml')).find(({ kind }) => kind === 'Rollout');
    const route = objectsIn(join(EXAMPLES, 'istio-host-level/manifests.yaml')).find(
      ({ kind }) => kind === 'VirtualService',
    );
    const waited: number[] = [];
    const scan = (meanwhile: () => void): ReturnType<typeof run> =>
      runWith(
        (milliseconds) => {
          waited.push(milliseconds);
          meanwhile();
          return new Promise((resolve) => void setTimeout(resolve, 200));
        },
        ...['scan', '--kubeconfig', kubeconfig, '-o', 'json'],
      );
    server.put({ ...rollout, status });
    const { code, out, err } = await scan(() => undefined);
    expect([code, waited]).toEqual([0, [60_000]]);
    expect(err).toContain('1 value differs from the status of a Rollout');
    const found = (JSON.parse(out) as { findings: unknown[] }).findings;
    expect(found).toEqual([
      expect.objectContaining({
        rule: 'drift',
        class: 'advice',
        decision: 'warn',
        object: expect.objectContaining({ kind: 'VirtualService', name: route?.metadata.name }) as unknown,
        message: expect.stringMatching(
          /has weights stable 100, canary 0, but the status of Rollout ".+" has canary 20 of 100$/,
        ) as unknown,
      }),
    ]);
    const fixed = { ...status, canary: { weights: { canary: { weight: 0 } } } };
    const gone = await scan(() => void server.put({ ...rollout, status: fixed }));
    expect((JSON.parse(gone.out) as { findings: unknown[] }).findings).toEqual([]);
    expect(waited).toHaveLength(2);
    await scan(() => undefined);
    expect(waited).toHaveLength(2);
  });

  it('reports a context that does not exist', async () => {
    const { kubeconfig } = await cluster();
    const { code, err } = await run('scan', '--kubeconfig', kubeconfig, '--context', 'prod');
    expect(code).toBe(2);
    expect(err).toContain('context "prod" not found in the kubeconfig');
  });
});

describe('a kubeconfig', () => {
  it('may name a file with the token', async () => {
    const { server, kubeconfig } = await cluster('istio-host-level/manifests.yaml');
    writeFileSync(join(kubeconfig, '..', 'token'), 'from-the-file\n');
    const config = parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: unknown }[] };
    for (const entry of config.users) entry.user = { tokenFile: 'token' };
    writeFileSync(kubeconfig, JSON.stringify(config));
    expect((await run('scan', '--kubeconfig', kubeconfig)).err).toBe('');
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer from-the-file']),
    );
  });
});

describe('rollgate lint --cluster', () => {
  it('checks manifests against the objects in the cluster', async () => {
    const { kubeconfig } = await cluster('istio-subset-level/classic-destination-rule/rollout.yaml');
    const { code, out } = await run(
      'lint',
      '--cluster',
      '--kubeconfig',
      kubeconfig,
      'istio-subset-level/classic-destination-rule/mesh.yaml',
    );
    expect(code).toBe(1);
    expect(out).toContain('destinationrule-subset-labels');
    expect(
      (await run('lint', '--cluster', '--kubeconfig', kubeconfig, 'istio-subset-level/fixed/mesh.yaml')).code,
    ).toBe(0);
  });

  it('does not report what was wrong before', async () => {
    const { kubeconfig } = await cluster(...CLASSIC);
    expect(
      (await run('lint', '--cluster', '--kubeconfig', kubeconfig, 'istio-subset-level/classic-destination-rule')).code,
    ).toBe(0);
  });
});
