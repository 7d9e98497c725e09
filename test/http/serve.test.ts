import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../src/commands/serve/options.ts';
import { asFiles, certificate } from '../support/certificates.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';
import { agent, cleanup, directory, start, unroutedRollout } from '../support/served.ts';

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
      'requests are checked for these versions of Argo Rollouts',
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
