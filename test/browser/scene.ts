import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { RunningDashboard } from '../../src/commands/dashboard.ts';
import { open, start, startBrowser, type Opened } from './browser.ts';

/** The folder of the examples of the page. */
export const EXAMPLES = join(import.meta.dirname, '../../dashboard/examples');

/** The example on which the page opens: its route sends to a port that a Service lacks. */
export const BROKEN = readFileSync(join(EXAMPLES, 'canary-port.yaml'), 'utf8');

/** The same with the port. */
export const FIXED = BROKEN.replace('port: 8080\n', 'port: 80\n');

/** The browser and the dashboard of a test file. */
export interface Scene {
  readonly browser: Browser;
  /** The URL of the dashboard, with its token. */
  readonly url: string;
}

/** Starts both before the tests of a file, and stops them after these. */
export function useDashboard(): Scene {
  let browser: Browser | undefined;
  let dashboard: RunningDashboard | undefined;
  beforeAll(async () => {
    [browser, dashboard] = await Promise.all([startBrowser(), start()]);
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.stop();
  });
  return {
    get browser() {
      return started(browser);
    },
    get url() {
      return started(dashboard).url;
    },
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it has not been started');
  return value;
}

/** Returns a function that opens a page until the test has finished, by default that of the scene. */
export function openedBy(scene: Scene): (url?: string, options?: BrowserContextOptions) => Promise<Opened> {
  return async (url = scene.url, options = {}) => {
    const it = await open(scene.browser, url, options);
    onTestFinished(() => it.page.context().close());
    return it;
  };
}

/** Waits for a verdict with a text. */
export function verdict(page: Page, text: string): Promise<void> {
  return page.locator('.verdict', { hasText: text }).waitFor();
}
