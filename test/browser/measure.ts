import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Judge } from '../../src/dashboard/judge.ts';
import { open, paste, start, startBrowser } from './browser.ts';

// Prints the figures of docs/dashboard.md: npm run bench:dashboard.

const RUNS = 15;
const KEYS = 31;
const ANSWERS = 40;
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

/** Milliseconds from a key on. */
interface Steps {
  /** Until the question is sent. */
  readonly sent: number;
  /** Until the answer is there. */
  readonly answered: number;
  /** Until the new verdict is in the page. */
  readonly shown: number;
  /** Until the frame with it was painted. */
  readonly painted: number;
}

declare global {
  interface Window {
    steps: Steps[];
  }
}

// Writes down the steps after each key. It must be there before the key is pressed, or it takes another time for that of
// the key.
function recordSteps(): void {
  window.steps = [];
  let pressed: number | undefined;
  addEventListener(
    'keydown',
    ({ timeStamp }) => {
      pressed = timeStamp;
      performance.clearResourceTimings();
    },
    { capture: true },
  );
  const verdict = document.querySelector('.verdict');
  const observer = new MutationObserver(() => {
    const from = pressed;
    if (from === undefined) return;
    pressed = undefined;
    const shown = performance.now() - from;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const question = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/api/judge'));
      window.steps.push({
        sent: (question?.startTime ?? NaN) - from,
        answered: (question instanceof PerformanceResourceTiming ? question.responseEnd : NaN) - from,
        shown,
        painted: performance.now() - from,
      });
    };
    requestAnimationFrame(() => channel.port2.postMessage(undefined));
  });
  if (verdict !== null) observer.observe(verdict, { childList: true, characterData: true, subtree: true });
}

// The processor time of an answer, which does not depend on what else the machine does.
function processorTime(answer: (manifests: string) => unknown): number {
  const texts = [bundle, bundle.replace('port: 80\n', 'port: 800\n')];
  const times = Array.from({ length: ANSWERS * 2 }, (_, index) => {
    const before = process.threadCpuUsage();
    answer(texts[index % 2] ?? '');
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  });
  // The first ones are not yet compiled.
  return median(times.slice(ANSWERS));
}

const first = processorTime((manifests) => new Judge().answer({ manifests, policy: '' }));
const judge = new Judge();
const edited = processorTime((manifests) => judge.answer({ manifests, policy: '' }));
console.log(
  `processor time of an answer: ${first.toFixed(1)} ms for a new text, ${edited.toFixed(1)} ms after an edit`,
);

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
await page.evaluate(recordSteps);
for (let count = 0; count < KEYS; count++) {
  await page.keyboard.press(count % 2 === 0 ? '0' : 'Backspace');
  await page.waitForFunction((steps) => window.steps.length > steps, count);
}
const steps = await page.evaluate(() => window.steps);
const of = (step: keyof Steps): string => `${step} ${Math.round(median(steps.map((each) => each[step])))} ms`;
console.log(
  `from the key on: ${of('sent')}, ${of('answered')}, ${of('shown')}, ${of('painted')}: medians of ${KEYS}, ` +
    `${bundle.split('\n').length} lines, ${copies * 5} objects`,
);
await browser.close();
await dashboard.stop();
