import request from 'supertest';
import { afterEach } from 'vitest';
import { testApp, type AppOptions, type TestApp } from './app.ts';
import { SHOP, type Json } from './reviews.ts';

/** The uid of the reviews. */
export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';

let running: TestApp | undefined;

/** Starts the app over manifests, by default those of the shop, until the test ends. */
export function start(options?: AppOptions, manifests = SHOP): TestApp {
  running = testApp(manifests, options);
  return running;
}

afterEach(async () => {
  await running?.stop();
});

/** Posts a body. */
export function post(
  app: TestApp,
  path: string,
  body: string | Buffer | Json,
  type = 'application/json',
): request.Test {
  const sent = request(app.app).post(path).set('content-type', type);
  return sent.send(
    typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString('latin1') : JSON.stringify(body),
  );
}
