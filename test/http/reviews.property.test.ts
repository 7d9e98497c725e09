import fc from 'fast-check';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { testApp, type TestApp } from '../support/app.ts';
import { mutatedReview, SHOP, type Json } from '../support/reviews.ts';

const BODIES = 10_000;
const TOGETHER = 10;
const MIB = 1024 * 1024;

let app: TestApp;
let server: http.Server;
const agent = new http.Agent({ keepAlive: true });

beforeAll(async () => {
  app = testApp(SHOP, { gate: { rules: RULES, keeps: PRESERVERS } });
  server = http.createServer(app.app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});

afterAll(async () => {
  agent.destroy();
  server.close();
  await app.stop();
});

function send(path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const options = {
      agent,
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    };
    const request = http.request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text })).once('error', reject);
    });
    request.once('error', reject).end(body);
  });
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

describe('ten thousand reviews with something wrong in them', () => {
  it('are all answered with a verdict or a clear 4xx, with the uid, and leave nothing open', async () => {
    const statuses = new Map<number, number>();
    let warm = 0;
    let sent = 0;
    const check = async (review: Json): Promise<void> => {
      const { status, text } = await send(sent++ % 2 === 0 ? '/validate' : '/mutate', JSON.stringify(review));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const body = JSON.parse(text) as Json & { response?: Json };
      const uid = (review['request'] as Json | undefined)?.['uid'];
      if (status === 200) {
        expect(body).toMatchObject({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid, allowed: expect.any(Boolean) as boolean },
        });
        if (body.response?.['allowed'] === false)
          expect(body.response['status']).toMatchObject({ code: 422, reason: 'Invalid' });
        expect(text).not.toMatch(/internal-error|internal error/);
      } else {
        expect(status).toBe(400);
        if (typeof uid === 'string' && uid !== '' && body.response !== undefined)
          expect(body.response).toMatchObject({ uid, allowed: false });
        else expect(body['error']).toMatch(/\w/);
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(mutatedReview, { minLength: TOGETHER, maxLength: TOGETHER }), async (reviews) => {
        await Promise.all(reviews.map(check));
        (app.lines as unknown[]).length = 0;
        if (sent === BODIES / 10) warm = heapUsed();
      }),
      { numRuns: BODIES / TOGETHER },
    );
    expect(sent).toBe(BODIES);
    expect((statuses.get(200) ?? 0) / BODIES).toBeGreaterThan(0.8);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(0);
    expect((heapUsed() - warm) / MIB).toBeLessThan(8);
  });
});
