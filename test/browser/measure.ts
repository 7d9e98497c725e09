import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { open, paste, start, startBrowser } from './browser.ts';

// Prints the figures of docs/dashboard.md: npm run bench:dashboard.

const RUNS = 15;
const KEYS = 31;
const LINES = 2_000;

const example = readFileSync(join(import.meta.dirname, '../../dashboard/examples/canary-port.yaml'), 'utf8');
const fixed = example.replace('port: 8080\n', 'port: 80\n');
const copies = Math.ceil(LINES / fixed.split('\n').length);
const bundle = Array.from({ length: copies }, (_, index) => fixed.replaceAll('checkout', `checkout-${index}`)).join(
  '---\n',
);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function firstView(page: Page, url: string): Promise<number> {
  await page.goto(url);
  await page.locator('.node').first().waitFor();
  return page.evaluate(() => performance.getEntriesByName('first-view')[0]?.startTime ?? NaN);
}

// From the event of the key to the new verdict in the page.
async function keyToVerdict(page: Page, key: string): Promise<number> {
  const measured = page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let pressed = 0;
        addEventListener('keydown', () => (pressed = performance.now()), { capture: true, once: true });
        const verdict = document.querySelector('.verdict');
        const observer = new MutationObserver(() => {
          observer.disconnect();
          resolve(performance.now() - pressed);
        });
        if (verdict !== null) observer.observe(verdict, { childList: true, characterData: true, subtree: true });
      }),
  );
  await page.keyboard.press(key);
  return measured;
}

const [browser, dashboard] = await Promise.all([startBrowser(), start()]);
const { page } = await open(browser, dashboard.url);
let bytes = 0;
page.on('response', (response) => {
  if (!response.url().includes('/api/')) void response.body().then(({ length }) => (bytes += length));
});
await page.addInitScript(() => {
  new MutationObserver((_, observer) => {
    if (document.querySelector('.node') === null) return;
    performance.mark('first-view');
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
});
const views: number[] = [];
for (let run = 0; run < RUNS; run++) views.push(await firstView(page, dashboard.url));
console.log(`first view: ${Math.round(median(views))} ms, median of ${RUNS}`);
console.log(`loaded: ${Math.round(bytes / RUNS / 1000)} kB`);

await paste(page, 'Manifests', bundle);
await page.locator('.verdict', { hasText: `${copies * 5} objects, no problem found` }).waitFor();
// The cursor is at the end. One more digit makes a port that the Service does not have.
await page.evaluate(() => document.querySelector<HTMLElement>('.cm-content')?.focus());
await page.keyboard.press('Control+Home');
const line = bundle.split('\n').findIndex((text) => text === '      port: 80');
for (let count = 0; count < line; count++) await page.keyboard.press('ArrowDown');
await page.keyboard.press('End');
const keys: number[] = [];
for (let count = 0; count < KEYS; count++) keys.push(await keyToVerdict(page, count % 2 === 0 ? '0' : 'Backspace'));
console.log(
  `key to verdict: ${Math.round(median(keys))} ms, median of ${KEYS}, ${bundle.split('\n').length} lines, ${copies * 5} objects`,
);
await browser.close();
await dashboard.stop();
