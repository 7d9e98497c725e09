import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { startDashboard, type RunningDashboard } from '../../src/commands/dashboard.ts';
import type { Io } from '../../src/commands/io.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Starts Chromium as Debian packages it; `CHROMIUM` names another one. */
export function startBrowser(): Promise<Browser> {
  // Root has no sandbox in a container. All pages are our own.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args });
}

/** Starts the dashboard in this process, with the built page. */
export async function start(paths: readonly string[] = []): Promise<RunningDashboard> {
  const said: string[] = [];
  const io: Io = {
    stdout: { write: () => undefined },
    stderr: { write: (text) => said.push(text) },
    stdin: [] as never,
    cwd: ROOT,
    isTTY: false,
    env: {},
    pause: () => Promise.resolve(),
  };
  const running = await startDashboard({ paths }, io);
  if (running === undefined) throw new Error(`${said.join('')}: run npm run build first`);
  return running;
}

/** A page, and everything that went wrong or elsewhere in it. */
export interface Opened {
  readonly page: Page;
  readonly problems: string[];
}

/** Opens the dashboard, and waits for its first answer. */
export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const { origin } = new URL(url);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('request', (request) => {
    const target = request.url();
    if (!target.startsWith(`${origin}/`) && !target.startsWith('data:')) problems.push(`requested ${target}`);
  });
  await page.goto(url);
  await page.locator('.verdict:not(:empty)').waitFor();
  return { page, problems };
}

/** Puts a text in place of that in an editor, as a person does: with the clipboard. */
export async function paste(page: Page, label: string, text: string): Promise<void> {
  await page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await page.getByRole('textbox', { name: label, exact: true }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+V');
}

/** Returns what axe-core finds, without the minor. */
export async function seriousIn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}

/** Writes a screenshot into the docs, if they are to be written. */
export async function forDocs(page: Page, name: string, part?: string): Promise<void> {
  if (process.env['UPDATE_DOCS'] !== '1') return;
  const folder = join(ROOT, 'docs/images');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  if (part === undefined) await page.screenshot({ path });
  else await page.locator(part).screenshot({ path });
}
