import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ISTIO_EXPERIMENT as EXPERIMENT } from '../dashboard/routed.ts';
import { forDocs, paste, seriousIn, start } from './browser.ts';
import { BROKEN, EXAMPLES, FIXED, openedBy, useDashboard, verdict } from './scene.ts';

const scene = useDashboard();
const opened = openedBy(scene);

function weights(page: Page): Promise<string[]> {
  return page.locator('.edge-label.stable, .edge-label.canary').allTextContents();
}

describe('the path of a change', () => {
  it('shows a mistake where it is, as a red edge and as a sentence, until it is fixed', async () => {
    const { page, problems } = await opened();
    await paste(page, 'Manifests', FIXED);
    await verdict(page, '5 objects, no problem found');
    await expect.poll(() => page.locator('.edge.deny, .node.deny, .cm-lintRange-error').count()).toBe(0);

    await paste(page, 'Manifests', BROKEN);
    await verdict(page, '2 problems would be denied');
    const red = page.locator('.edge.deny');
    expect(await red.count()).toBe(1);
    expect(await red.getAttribute('data-edge')).toMatch(/HTTPRoute.*checkout-canary canary$/);
    expect(await red.locator('title').textContent()).toContain('has no such port (it has 8080)');
    const sentence = page.getByRole('button', { name: /sends to port 80 of Service "checkout-canary"/ });
    expect(await sentence.textContent()).toContain('route-port-exists');
    await sentence.click();
    await page.locator('.cm-lintRange-error').first().waitFor();
    expect(await page.locator('.cm-lintRange-error').allTextContents()).toContain('port: 80');

    await paste(page, 'Manifests', FIXED);
    await verdict(page, '5 objects, no problem found');
    await expect.poll(() => page.locator('.edge.deny, .node.deny, .cm-lintRange-error, .findings li').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('is walked through by keyboard, and the weights of the graph move', async () => {
    const { page, problems } = await opened();
    await paste(page, 'Manifests', FIXED);
    await verdict(page, 'no problem found');
    const slider = page.getByRole('slider', { name: 'Stage' });
    await slider.focus();
    await page.keyboard.press('Home');
    const seen: Record<string, string[]> = {};
    for (let stage = 0; stage < 8; stage++) {
      await expect.poll(() => slider.inputValue()).toBe(String(stage));
      const text = (await slider.getAttribute('aria-valuetext')) ?? '';
      await expect.poll(() => page.locator('p.now').textContent()).toBe(text);
      seen[text] = (await weights(page)).slice().sort();
      await page.keyboard.press('ArrowRight');
    }
    expect(Object.keys(seen)).toHaveLength(8);
    expect(Object.values(seen)).toEqual(
      [0, 10, 10, 10, 50, 50, 100, 100].map((canary) =>
        [canary, canary, 100 - canary, 100 - canary].map((share) => `${share} %`).sort(),
      ),
    );
    expect(Object.keys(seen)[3]).toBe(
      'Step 3, analysis checkout-errors: 10 % of the requests to the canary pods; 1 canary and 10 stable pods; waits for 4m to 7m20s',
    );
    expect(problems).toEqual([]);
  });

  it('is applied again in the middle of the canary, and the difference shows what is kept', async () => {
    const { page, problems } = await opened();
    await page.getByRole('slider', { name: 'Stage' }).focus();
    await page.keyboard.press('Home');
    await page.getByText('No update is in progress at this stage').waitFor();
    for (let step = 0; step < 4; step++) await page.keyboard.press('ArrowRight');
    await page.getByText('applies these manifests again at step 4, setWeight 50').waitFor();
    await page.getByText('Kept: weights stable 50, canary 50.').waitFor();
    const kept = page.locator('.difference .cm-changedLine');
    await expect.poll(() => kept.allTextContents()).toEqual(['          weight: 50', '          weight: 50']);
    await forDocs(page, 'dashboard-reapply', '.see section:last-child');
    await page.getByRole('button', { name: 'Service checkout-canary' }).last().click();
    await page.getByText('Kept: hash 8c5d7f6b94 in the selector (canary)').waitFor();
    await expect
      .poll(async () => (await kept.allTextContents()).join('\n'))
      .toContain('rollouts-pod-template-hash: 8c5d7f6b94');
    expect(problems).toEqual([]);
  });

  it('has the pods of an experiment and their weights, at its step only', async () => {
    const { page, problems } = await opened();
    await paste(page, 'Manifests', EXPERIMENT);
    await page.locator('.node', { hasText: 'experiment: baseline' }).waitFor();
    const shares = (): Promise<string[]> => page.locator('.edge-label.experiment').allTextContents();
    expect(new Set(await shares())).toEqual(new Set(['0 %']));
    await page.locator('.chart tbody tr', { hasText: 'experiment' }).click();
    await expect.poll(async () => (await shares()).sort()).toEqual(['10 %', '10 %', '5 %', '5 %']);
    expect(await page.locator('.node.pods.experiment .name').allTextContents()).toEqual(['1', '2', '1']);
    expect(await page.locator('.chart thead').textContent()).toContain('experiment');
    expect(await page.locator('p.now').textContent()).toBe(
      'Step 3, experiment: 20 % of the requests to the canary pods, 15 % to those of the experiment; 2 canary, 4 experiment and 10 stable pods; waits for 1h',
    );
    expect(await seriousIn(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('is aborted at a step by keyboard, and goes on when it is not', async () => {
    const { page, problems } = await opened();
    await paste(page, 'Manifests', FIXED);
    await verdict(page, 'no problem found');
    const slider = page.getByRole('slider', { name: 'Stage' });
    const abort = page.getByRole('button', { name: 'Abort at' });
    await slider.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => abort.isDisabled()).toBe(true);
    for (let step = 0; step < 4; step++) await page.keyboard.press('ArrowRight');
    await expect.poll(() => abort.textContent()).toBe('Abort at step 4');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.getByText('canary gone').waitFor();
    expect(await abort.getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('.chart tr.aborted th').allTextContents()).toEqual([' abort', ' canary gone']);
    expect(await page.locator('.chart tbody tr').count()).toBe(7);
    expect(await seriousIn(page)).toEqual([]);
    await forDocs(page, 'dashboard-abort', 'section:has(.chart)');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowRight');
    await page.locator('p.now', { hasText: 'Abort: 0 % of the requests to the canary pods; 5 canary' }).waitFor();
    await expect.poll(() => weights(page)).toEqual(expect.arrayContaining(['100 %', '0 %']));
    await page.getByText('The update is aborted at this stage').waitFor();
    // The link has it too.
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('copied').waitFor();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    const other = await opened(`${scene.url}${link.hash}`);
    await other.page.locator('.chart tr.aborted.now').waitFor();
    await abort.click();
    await page.getByText('old pods gone').waitFor();
    expect(await page.locator('.chart tr.aborted').count()).toBe(0);
    expect([...problems, ...other.problems]).toEqual([]);
  });

  it('has all that is written before it is painted, also what another one puts there', async () => {
    const { page, problems } = await opened();
    await paste(page, 'Manifests', FIXED);
    await verdict(page, 'no problem found');
    await page.keyboard.press('Control+End');
    const seen = page.evaluate(async () => {
      const task = (): Promise<void> =>
        new Promise((done) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => done();
          port2.postMessage(undefined);
        });
      for (const text of ['#', 'x', 'y', 'z']) {
        document.execCommand('insertText', false, text);
        await task();
      }
      await new Promise((done) => setTimeout(done, 200));
      return document.querySelector('.cm-content')?.textContent?.slice(-4);
    });
    // A page that hangs answers nothing, not even that it is to be closed.
    const late = new Promise<string>((done) => setTimeout(done, 10_000, 'no answer'));
    expect(await Promise.race([seen, late])).toBe('#xyz');
    const example = page.getByRole('combobox', { name: 'Example' });
    expect(await example.inputValue()).toBe('');
    await example.selectOption('3');
    await page.locator('.cm-content', { hasText: 'blueGreen' }).waitFor();
    // Its name stays, as long as it is as it was.
    expect(await example.inputValue()).toBe('3');
    await page.locator('.cm-content').first().click();
    await page.keyboard.type('#');
    await expect.poll(() => example.inputValue()).toBe('');
    expect(problems).toEqual([]);
  });

  it('is judged once for each change, whoever makes it', async () => {
    const { page } = await opened();
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/api/judge')) asked.push(request.postData() ?? '');
    });
    await page.getByRole('combobox', { name: 'Example' }).selectOption('3');
    await page.locator('.node', { hasText: 'search-preview' }).waitFor();
    await paste(page, 'Manifests', FIXED);
    await verdict(page, '5 objects, no problem found');
    await page.locator('.node', { hasText: 'checkout-canary' }).first().waitFor();
    expect(asked).toHaveLength(2);
  });

  it('is decided by an edited policy', async () => {
    const { page, problems } = await opened();
    await page.getByRole('tab', { name: 'Policy' }).click();
    await paste(page, 'Policy', 'rules:\n  route-port-exists: warn\n  service-ports-agree: off\n');
    await verdict(page, '1 warning');
    await page.getByText('the manifests are allowed; with the built-in one they are denied').waitFor();
    expect(await page.locator('.findings .was').allTextContents()).toEqual(['was deny']);
    await forDocs(page, 'dashboard-policy', '.write');
    await paste(page, 'Policy', 'mod: audit');
    await page.getByText('unknown key "mod"; did you mean "mode"?').waitFor();
    expect(problems).toEqual([]);
  });
});

describe('the page', () => {
  const LOOKS = [1280, 390].flatMap((width) => (['light', 'dark'] as const).map((theme) => [width, theme] as const));

  it.each(LOOKS)('of %i pixels, %s, can be used by everybody', async (width, colorScheme) => {
    const { page, problems } = await opened(scene.url, { viewport: { width, height: 900 }, colorScheme });
    await verdict(page, '2 problems would be denied');
    expect(await seriousIn(page)).toEqual([]);
    // Nothing is wider than the page.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    if (width === 1280) await page.getByRole('button', { name: /sends to port 80/ }).click();
    if ((width === 1280) === (colorScheme === 'light'))
      await forDocs(page, width === 1280 ? 'dashboard' : 'dashboard-narrow');
    if (width === 390 && colorScheme === 'dark') {
      await page.setViewportSize({ width, height: 1375 });
      await page.locator('.see').evaluate((part) => part.scrollIntoView());
      await forDocs(page, 'dashboard-narrow-update');
    }
    await page.getByRole('tab', { name: 'Policy' }).click();
    await page.getByRole('combobox', { name: 'Example' }).selectOption('3');
    await page.locator('.node', { hasText: 'search-preview' }).waitFor();
    expect(await seriousIn(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('has a theme that stays, whatever the system has', async () => {
    const { page } = await opened(scene.url, { colorScheme: 'light' });
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('dark');
    await expect.poll(ground).not.toBe(light);
    const dark = await ground();
    await page.reload();
    await page.locator('.verdict:not(:empty)').waitFor();
    await expect.poll(ground).toBe(dark);
    // The system is followed again, also when it changes.
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('auto');
    await expect.poll(ground).toBe(light);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(ground).toBe(dark);
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('light');
    await expect.poll(ground).toBe(light);
  });

  it('is reached by Tab, with a focus that is seen', async () => {
    const { page } = await opened();
    const seen = new Set<string>();
    for (let press = 0; press < 40; press++) {
      await page.keyboard.press('Tab');
      seen.add(
        await page.evaluate(() => {
          const element = document.activeElement;
          if (element === null || element === document.body) return 'body';
          const { outlineStyle, outlineWidth } = getComputedStyle(element);
          const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
          const inSvg = element.closest('.node') !== null || element.closest('.cm-editor') !== null;
          return `${element.getAttribute('role') ?? element.tagName} ${isSeen || inSvg ? 'seen' : 'NOT SEEN'}`;
        }),
      );
    }
    expect([...seen].filter((text) => text.includes('NOT'))).toEqual([]);
    for (const role of ['tab seen', 'textbox seen', 'button seen', 'INPUT seen', 'SELECT seen'])
      expect([...seen]).toContain(role);
  });

  it('can be shared by a link that has the text and not the token', async () => {
    const { page } = await opened();
    await paste(page, 'Manifests', BROKEN.replaceAll('checkout', 'basket'));
    await page.locator('.node', { hasText: 'basket-canary' }).first().waitFor();
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('copied').waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const token = new URL(scene.url).searchParams.get('token') ?? '';
    expect(link).not.toContain(token);
    expect(page.url()).not.toContain(token);
    const other = await opened(`${scene.url}${new URL(link).hash}`);
    await other.page.locator('.node', { hasText: 'basket-canary' }).first().waitFor();
    expect(other.page.url()).not.toContain(token);
    // Into the address bar of a page that is open, which loads nothing.
    await paste(other.page, 'Manifests', FIXED);
    await verdict(other.page, 'no problem found');
    await other.page.evaluate(() => (location.hash = ''));
    await other.page.goto(link);
    await other.page.locator('.node', { hasText: 'basket-canary' }).first().waitFor();
  });

  it('shows a part of an update with very many steps', async () => {
    const { page } = await opened();
    const steps = Array.from({ length: 500 }, () => '        - setWeight: 20\n').join('');
    await paste(page, 'Manifests', FIXED.replace(/^( +)steps:\n/m, `$1steps:\n${steps}`));
    await page.getByText('Stages 1 to 200 of 508 are shown').waitFor();
    expect(await page.locator('.chart tbody tr').count()).toBe(200);
    await page.getByRole('slider', { name: 'Stage' }).focus();
    await page.keyboard.press('End');
    await page.getByText('Stages 401 to 508 of 508 are shown').waitFor();
    expect(await page.locator('.chart tr.now').textContent()).toContain('old pods gone');
  });

  it('is the same after it is loaded again, and each tab has its own token', async () => {
    const { page } = await opened();
    await page.reload();
    await verdict(page, '2 problems would be denied');
    const other = await page.context().newPage();
    await other.goto(new URL(scene.url).origin);
    await verdict(other, 'open the URL that rollgate dashboard printed');
    expect(await page.context().cookies()).toEqual([]);
  });

  it('stays in use with eight tabs that show files', async () => {
    const watching = await start([join(EXAMPLES, 'canary-port.yaml')]);
    onTestFinished(() => watching.stop());
    const { page } = await opened(watching.url);
    for (let tab = 1; tab < 8; tab++) await (await page.context().newPage()).goto(watching.url);
    const last = page.context().pages().at(-1) ?? page;
    await verdict(last, '2 problems would be denied');
    await paste(last, 'Manifests', FIXED);
    await verdict(last, 'no problem found');
  });

  it('follows the files that were named, and keeps what a person has typed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollgate-dashboard-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'shop.yaml');
    writeFileSync(file, FIXED);
    const watching = await start([folder]);
    onTestFinished(() => watching.stop());
    const { page } = await opened(watching.url);
    await verdict(page, '5 objects, no problem found');
    writeFileSync(file, BROKEN);
    await verdict(page, '2 problems would be denied');
    await paste(page, 'Manifests', FIXED);
    await verdict(page, 'no problem found');
    writeFileSync(file, `${BROKEN}\n# more\n`);
    await page.getByRole('button', { name: 'Load them' }).click();
    await verdict(page, '2 problems would be denied');
    expect(readFileSync(file, 'utf8')).toBe(`${BROKEN}\n# more\n`);
    await page.getByRole('combobox', { name: 'Example' }).selectOption('3');
    await page.locator('.node', { hasText: 'search-preview' }).waitFor();
    await page.getByRole('combobox', { name: 'Example' }).selectOption('Your files');
    await page.locator('.node', { hasText: 'checkout-canary' }).first().waitFor();
    expect(await page.getByRole('combobox', { name: 'Example' }).inputValue()).toBe('files');
    // With the line ends of Windows, which the editor does not have.
    writeFileSync(file, FIXED.replaceAll('\n', '\r\n'));
    await verdict(page, 'no problem found');
    writeFileSync(file, BROKEN);
    await verdict(page, '2 problems would be denied');
  });
});
