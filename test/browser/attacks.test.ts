import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { paste } from './browser.ts';
import { FIXED, openedBy, useDashboard, verdict } from './scene.ts';

const scene = useDashboard();
const opened = openedBy(scene);

describe('nothing happens', () => {
  it('by HTML in a manifest', async () => {
    const { page, problems } = await opened();
    const attack = '<img src=x onerror=window.hit=1><script>window.hit=1</script>';
    await paste(
      page,
      'Manifests',
      FIXED.replaceAll('checkout-stable', `"${attack}"`).replaceAll('name: checkout\n', `name: "${attack}"\n`),
    );
    await page.locator('.node', { hasText: '<img' }).first().waitFor();
    await page.locator('.findings', { hasText: '<script>' }).waitFor();
    expect(await page.evaluate(() => 'hit' in window)).toBe(false);
    expect(await page.locator('img:not(.cm-widgetBuffer), #app script').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('by a page of another origin', async () => {
    const { page } = await opened();
    const target = new URL(scene.url).origin;
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>other</title>');
    }).listen(0, '127.0.0.1');
    await once(evil, 'listening');
    onTestFinished(() => void evil.close());
    // In the same browser.
    const other = await page.context().newPage();
    await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const got = await other.evaluate(async (origin) => {
      const ask = (path: string, init: RequestInit): Promise<string> =>
        fetch(origin + path, { credentials: 'include', ...init }).then(
          (response) => response.type + response.status,
          () => 'failed',
        );
      const frame = document.createElement('iframe');
      frame.src = origin;
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      return {
        read: await ask('/', {}),
        question: await ask('/api/judge', {
          method: 'POST',
          body: '{}',
          headers: { 'content-type': 'application/json' },
        }),
        simple: await ask('/api/judge', { method: 'POST', body: '{}', mode: 'no-cors' }),
        files: await ask('/api/files', { mode: 'no-cors' }),
        frame: frame.contentDocument === null ? 'closed' : 'open',
      };
    }, target);
    expect(got).toEqual({ read: 'failed', question: 'failed', simple: 'failed', files: 'failed', frame: 'closed' });
  });

  it('without the token', async () => {
    const context = await scene.browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(new URL(scene.url).origin);
    await verdict(page, 'the token is missing or wrong: open the URL that rollgate dashboard printed');
    expect(await page.locator('.node, .findings li').count()).toBe(0);
  });
});
