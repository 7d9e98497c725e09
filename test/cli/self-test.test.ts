import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { invalidRollout } from '../../src/commands/self-test.ts';
import { main } from '../../src/program.ts';
import { RULES } from '../../src/rules/index.ts';
import { evaluate } from '../../src/rules/engine.ts';
import { storeOf } from '../../src/world/store.ts';
import { directory, io } from './support.ts';

interface Sent {
  readonly url: string;
  readonly body: unknown;
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly warnings?: readonly string[];
}

/** Runs the command against an API server that gives one answer. */
async function run(answer: Answer, ...args: readonly string[]) {
  const sent: Sent[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    sent.push({ url: `${request.method} ${request.url}`, body: await json(request) });
    response.setHeader(
      'warning',
      (answer.warnings ?? []).map((text) => `299 - ${JSON.stringify(text)}`),
    );
    response.writeHead(answer.code, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(answer.body));
  };
  const server = createServer((request, response) => void respond(request, response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { code, out, err } = await command(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, args);
  return { code, out, err, sent };
}

async function command(server: string, args: readonly string[]) {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  };
  const root = directory({ config: stringify(config) });
  const written = io(root);
  const code = await main(['self-test', '--kubeconfig', join(root, 'config'), ...args], written);
  return { code, out: written.out(), err: written.err() };
}

function status(code: number, message: string): Answer {
  return { code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message } };
}

describe('the invalid Rollout', () => {
  it('is found by two rules, without anything else in the cluster', () => {
    const rollout = invalidRollout('shop');
    const { findings } = evaluate(storeOf([rollout]), [rollout], RULES);
    const invalid = findings.filter(({ class: kind }) => kind === 'invalid');
    expect([...new Set(invalid.map(({ rule }) => rule))].sort()).toEqual(['rollout-selector', 'rollout-steps']);
  });
});

describe('rollgate self-test', () => {
  it('sends it as a dry run, and nothing else', async () => {
    const { sent } = await run({ code: 201, body: {} }, '--namespace', 'shop');
    expect(sent).toEqual([
      {
        url: 'POST /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts?dryRun=All',
        body: invalidRollout('shop'),
      },
    ]);
  });

  it('passes when Rollgate warns, among other warnings', async () => {
    const warnings = ['unknown field "spec.x", really', 'step 1 of "a": no, 299 - "b" [rollgate/rollout-steps]'];
    const { code, out, err } = await run({ code: 201, body: {}, warnings });
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(`Rollgate answered: it warned about an invalid Rollout in namespace "default".\n${warnings[1]}\n`);
  });

  it('passes when Rollgate denies', async () => {
    const message =
      'admission webhook "argoproj.validate.rollgate.io" denied the request: weight 120 [rollgate/rollout-steps]';
    const { code, out, err } = await run(status(422, message));
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(`Rollgate answered: it denied an invalid Rollout in namespace "default".\n${message}\n`);
  });

  it.each<[string, Answer]>([
    ['admitted without a warning', { code: 201, body: {} }],
    ['admitted with a warning of another webhook', { code: 201, body: {}, warnings: ['see rollgate/rollout-steps'] }],
    [
      'rejected because Rollgate cannot be reached',
      status(500, 'Internal error occurred: failed calling webhook "argoproj.validate.rollgate.io": no endpoints'),
    ],
  ])('fails when the Rollout is %s, and says what to check', async (_, answer) => {
    const { code, out, err } = await run(answer);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^rollgate self-test: no answer from Rollgate in namespace "default": .+\n/);
    expect(err).toContain('kubectl get validatingwebhookconfigurations --selector app.kubernetes.io/name=rollgate');
    expect(err).toContain(
      'caBundle must be the CA of the certificate, and SERVICE.NAMESPACE.svc one of its DNS names.',
    );
  });

  it.each<[string, Answer]>([
    [
      'may not create it',
      status(403, 'rollouts.argoproj.io is forbidden: User "u" cannot create resource "rollouts" in API group'),
    ],
    ['finds no namespace', status(404, 'namespaces "shop" not found')],
    ['is denied by another webhook', status(403, 'admission webhook "other.example.com" denied the request: no')],
    ['fails to call another webhook', status(500, 'failed calling webhook "other.example.com": no endpoints')],
  ])('says that nothing was tested when the user %s', async (_, answer) => {
    const { code, out, err } = await run(answer);
    const { message } = answer.body as { message: string };
    expect([code, out, err]).toEqual([
      2,
      '',
      `rollgate self-test: nothing was tested in namespace "default": ${message}\n`,
    ]);
  });

  it.each<[string, Answer]>([
    ['group', { code: 404, body: '404 page not found\n' }],
    ['version', status(404, 'the server could not find the requested resource')],
  ])('says that Argo Rollouts is missing when the cluster has no such %s', async (_, answer) => {
    const { code, err } = await run(answer);
    expect([code, err]).toEqual([
      2,
      'rollgate self-test: nothing was tested in namespace "default": the cluster has no Rollouts (argoproj.io/v1alpha1): install Argo Rollouts first\n',
    ]);
  });

  it('says that nothing was tested when the API server cannot be reached', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const { code, err } = await command(`http://127.0.0.1:${port}`, []);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(
        /^rollgate self-test: nothing was tested in .+: the API server cannot be reached: connect ECONN.+\n$/,
      ),
    ]);
  });
});
