import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateApi, type CertificateApi } from './api.ts';

const SECRET = '/api/v1/namespaces/rollgate/secrets/rollgate-certificates';
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/gate';
const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/gate';

/** What an API server answers by method and path, and what it got. */
let answers: Record<string, [status: number, body: unknown]>;
let received: { method: string; path: string; type: string | undefined; body: unknown }[];
let server: Server;
let api: CertificateApi;

const base64 = (value: string): string => Buffer.from(value).toString('base64');

beforeEach(async () => {
  [answers, received] = [{}, []];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const [path = ''] = (request.url ?? '').split('?');
      const method = request.method ?? '';
      if (method !== 'GET')
        received.push({ method, path, type: request.headers['content-type'], body: JSON.parse(body) as unknown });
      const [status, answer] = answers[`${method} ${path}`] ?? [404, { message: `${path} not found` }];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'test' },
  );
  api = certificateApi(config, { namespace: 'rollgate', secret: 'rollgate-certificates', webhooks: 'gate' });
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('the objects of certificates', () => {
  it('are read decoded, and a Secret without data is empty', async () => {
    const metadata = { name: 'rollgate-certificates', resourceVersion: '7' };
    answers[`GET ${SECRET}`] = [200, { kind: 'Secret', metadata }];
    expect(await api.secret()).toEqual({ resourceVersion: '7', data: {}, requested: undefined });
    answers[`GET ${SECRET}`] = [
      200,
      { metadata: { ...metadata, annotations: { 'rollgate.io/renew': 'ca' } }, data: { 'ca.crt': base64('PEM\n') } },
    ];
    expect(await api.secret()).toEqual({ resourceVersion: '7', data: { 'ca.crt': 'PEM\n' }, requested: 'ca' });
  });

  it('are changed only if they are as they were read', async () => {
    answers[`PATCH ${SECRET}`] = [200, {}];
    answers[`PATCH ${VALIDATING}`] = [409, { message: 'the object has been modified' }];
    const secret = { resourceVersion: '7', data: {}, requested: 'ca' };
    await api.changeSecret(secret, { 'ca.crt': 'PEM', 'next-ca.crt': undefined }, true);
    const configuration = {
      plural: 'validatingwebhookconfigurations',
      resourceVersion: '9',
      bundles: ['', 'old'],
    };
    await expect(api.trust(configuration, 'PEM')).rejects.toMatchObject({ status: 409 });
    expect(received).toEqual([
      {
        method: 'PATCH',
        path: SECRET,
        type: 'application/merge-patch+json',
        body: {
          metadata: { resourceVersion: '7', annotations: { 'rollgate.io/renew': null } },
          data: { 'ca.crt': base64('PEM'), 'next-ca.crt': null },
        },
      },
      {
        method: 'PATCH',
        path: VALIDATING,
        type: 'application/json-patch+json',
        body: [
          { op: 'replace', path: '/metadata/resourceVersion', value: '9' },
          { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: base64('PEM') },
          { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: base64('PEM') },
        ],
      },
    ]);
  });

  it('need not exist, if they are webhooks: the chart installs these last', async () => {
    expect(await api.configurations()).toEqual([]);
    const webhooks = [{ clientConfig: { caBundle: base64('PEM') } }, { clientConfig: {} }];
    answers[`GET ${MUTATING}`] = [200, { metadata: { resourceVersion: '3' }, webhooks }];
    expect(await api.configurations()).toEqual([
      { plural: 'mutatingwebhookconfigurations', resourceVersion: '3', bundles: ['PEM', ''] },
    ]);
    await expect(api.secret()).rejects.toMatchObject({ status: 404 });
    answers[`GET ${VALIDATING}`] = [403, { message: 'forbidden' }];
    await expect(api.configurations()).rejects.toMatchObject({ status: 403 });
  });
});
