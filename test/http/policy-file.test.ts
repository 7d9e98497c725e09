import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createLog } from '../../src/server/log.ts';
import { PolicyFile } from '../../src/server/policy-file.ts';
import { metric, testApp } from '../support/app.ts';
import { MountedSecret } from '../support/certificates.ts';

import { POLICY_CATALOG as known } from '../../src/admission/policy-catalog.ts';
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function open(
  text: string,
  interval = 3_600_000,
  catalog = known,
): Promise<{
  file: PolicyFile;
  mount: MountedSecret;
  lines: Record<string, unknown>[];
  metrics: ReturnType<typeof testApp>['metrics'];
}> {
  const { metrics } = testApp('');
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  // A ConfigMap is mounted in the same way as a Secret.
  const mount = await MountedSecret.mount({ 'rollgate.yaml': text });
  cleanup.push(() => mount.unmount());
  const path = join(mount.directory, 'rollgate.yaml');
  const file = await PolicyFile.open({ path, known: catalog, interval, log, metrics });
  cleanup.push(() => file.stop());
  return { file, mount, lines, metrics };
}

describe('a policy file', () => {
  it('is read again each time the kubelet swaps its link', async () => {
    const { file, mount, lines, metrics } = await open('mode: audit', 10);
    expect(file.current.mode).toBe('audit');
    for (const mode of ['enforce', 'audit']) {
      await mount.update({ 'rollgate.yaml': `mode: ${mode}\n` });
      await eventually(() => expect(file.current.mode).toBe(mode));
    }
    expect(await metric(metrics, 'rollgate_policy_reloads_total{result="success"}')).toBe(2);
    expect(lines.map(({ msg }) => msg)).toEqual(['policy reloaded', 'policy reloaded']);
  });

  it.each([
    ['mod: audit', 'unknown key "mod"; did you mean "mode"?'],
    ['rules: {service-selectr: off}', 'rules: unknown rule "service-selectr"; did you mean "service-selector"?'],
    ['mode: [', ''],
    ['mode: loud', 'mode: '],
  ])('stays in force when it becomes %s, which is said once', async (text, complaint) => {
    const { file, mount, lines, metrics } = await open('mode: audit');
    await mount.update({ 'rollgate.yaml': text });
    await file.check();
    await file.check();
    expect(file.current.mode).toBe('audit');
    expect(lines).toMatchObject([
      {
        level: 'error',
        msg: 'the policy is invalid; the previous policy stays active',
        reason: expect.stringContaining(complaint) as string,
      },
    ]);
    expect(await metric(metrics, 'rollgate_policy_reloads_total{result="error"}')).toBe(2);
    await mount.update({ 'rollgate.yaml': 'mode: enforce' });
    await file.check();
    expect(file.current.mode).toBe('enforce');
  });

  it('is parsed once while it is invalid, and again when it has changed', async () => {
    const profileErrors = vi.fn(() => ['cannot work']);
    const { file, mount, metrics } = await open('mode: audit', undefined, { ...known, profileErrors });
    const update = (mode: string): Promise<void> =>
      mount.update({ 'rollgate.yaml': `mode: ${mode}\nprofiles: {own: {strategy: {canary: {}}}}` });
    await update('audit');
    for (let check = 0; check < 3; check++) await file.check();
    expect(profileErrors).toHaveBeenCalledTimes(1);
    expect(await metric(metrics, 'rollgate_policy_reloads_total{result="error"}')).toBe(3);
    await update('enforce');
    await file.check();
    expect(profileErrors).toHaveBeenCalledTimes(2);
    profileErrors.mockReturnValue([]);
    await mount.update({ 'rollgate.yaml': 'mode: enforce' });
    await file.check();
    await update('audit');
    await file.check();
    expect(profileErrors).toHaveBeenCalledTimes(3);
  });

  it('stays in force if it is deleted', async () => {
    const { file, mount, lines } = await open('mode: audit');
    await rm(join(mount.directory, '..data'));
    await file.check();
    expect(file.current.mode).toBe('audit');
    expect(lines).toMatchObject([
      {
        level: 'error',
        msg: 'the policy file cannot be read; the previous policy stays active',
        reason: `${join(mount.directory, 'rollgate.yaml')}: no such file or directory`,
      },
    ]);
    expect(file.problem).toBe('the policy file cannot be read, so the previous policy stays active: see the log');
    await mount.update({ 'rollgate.yaml': 'mode: loud' });
    await file.check();
    expect(file.problem).toBe('the policy is invalid, so the previous policy stays active: see the log');
  });

  it.each([
    'overrides: [{name: a, mode: audit}, {name: b, rules: {service-selectr: off}}]',
    'mode: [',
    'mode: loud\nconversion: on',
  ])('that is invalid at start is replaced by one that denies and converts nothing: %s', async (text) => {
    const { file, mount, lines, metrics } = await open(text);
    await file.check();
    expect(file.current).toMatchObject({ mode: 'audit', conversion: 'off', isFallback: true });
    expect(file.problem).toContain('nothing is denied');
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'the policy is invalid; until it is fixed, nothing is denied or converted'],
    ]);
    expect(await metric(metrics, 'rollgate_policy_reloads_total{result="error"}')).toBe(2);

    await mount.update({ 'rollgate.yaml': 'mode: enforce' });
    await file.check();
    expect(file.current).toMatchObject({ mode: 'enforce', conversion: 'on' });
    expect([file.current.isFallback, file.problem]).toEqual([undefined, undefined]);
    expect(await metric(metrics, 'rollgate_policy_reloads_total{result="success"}')).toBe(1);

    await mount.update({ 'rollgate.yaml': text });
    await file.check();
    expect(file.current.mode).toBe('enforce');
    expect(file.problem).toContain('the previous policy stays active');
  });

  it('that is invalid in another way is logged again, and what it exempts is taken from it', async () => {
    const { file, mount, lines } = await open('mode: [');
    await mount.update({ 'rollgate.yaml': 'mode: loud\nexemptions: { accounts: [backup] }' });
    await file.check();
    expect(lines.map(({ keeps }) => keeps)).toEqual(['off', 'on']);
    expect(file.current.exemptions.accounts).toEqual(['backup']);
    await rm(join(mount.directory, '..data'));
    await file.check();
    expect(file.current.exemptions.accounts).toEqual(['backup']);
  });

  it('says which retired rules it names', async () => {
    const catalog = { ...known, retiredRules: ['service-gone'] };
    const { lines } = await open('mode: audit\nrules: { service-gone: deny }', undefined, catalog);
    expect(lines).toMatchObject([
      {
        level: 'warn',
        msg: 'a part of the policy has no effect',
        reason: 'rules: rule "service-gone" no longer exists: remove it from the policy',
      },
    ]);
  });
});
