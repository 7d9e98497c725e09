import { describe, expect, it } from 'vitest';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { runPolicyCheck } from '../../src/commands/policy.ts';
import { PolicyFile } from '../../src/server/policy-file.ts';
import { main } from '../../src/program.ts';
import { createLog } from '../../src/server/log.ts';
import { directory, io } from './support.ts';

async function check(
  files: Readonly<Record<string, string>>,
  file: string,
  stdin?: string,
): Promise<{ code: number | undefined; out: string; err: string }> {
  const written = io(directory(files), stdin === undefined ? {} : { stdin });
  const code = await main(['policy', 'check', file], written);
  return { code, out: written.out(), err: written.err() };
}

const CONFIG_MAP = (policy: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: rollgate-policy }\ndata:\n  rollgate.yaml: |\n    ${policy}\n`;

describe('rollgate policy check', () => {
  it('accepts a valid policy, from a file or standard input', async () => {
    const policy = 'mode: audit\nkeeps: { service-hash: off }\n';
    const out = (name: string): unknown => ({ code: 0, err: '', out: `${name}: the policy is valid\n` });
    expect(await check({ 'p.yaml': policy }, 'p.yaml')).toEqual(out('p.yaml'));
    expect(await check({}, '-', policy)).toEqual(out('<stdin>'));
    expect(await check({ 'p.yaml': '' }, 'p.yaml')).toEqual(out('p.yaml'));
  });

  it('says each error on a line, as Rollgate does when it starts', async () => {
    const policy = 'mode: loud\nrules: { service-selectr: off }\noverrides: [{ name: a, namspaces: [b] }]';
    const root = directory({ 'p.yaml': policy });
    const { code, out, err } = await check({ 'p.yaml': policy }, 'p.yaml');
    expect([code, out]).toEqual([1, '']);
    const lines = err.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^rollgate policy check: p\.yaml: mode: /);
    expect(lines[1]).toBe(
      'rollgate policy check: p.yaml: overrides[0]: unknown key "namspaces"; did you mean "namespaces"?',
    );
    const logged: string[] = [];
    const file = await PolicyFile.open({
      path: `${root}/p.yaml`,
      known: POLICY_CATALOG,
      interval: 3_600_000,
      log: createLog('info', { write: (line: string) => void logged.push(line) }),
      metrics: { reloaded: () => undefined },
    });
    file.stop();
    const reason = lines.map((line) => line.replace('rollgate policy check: p.yaml: ', '')).join('; ');
    expect(logged.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ reason: `${root}/p.yaml: ${reason}` }),
    ]);
  });

  it('checks the policies in ConfigMaps, as helm and kubectl print them', async () => {
    const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: s }\n';
    const rendered = [service, CONFIG_MAP('mode: audit'), CONFIG_MAP('mod: audit')].join('---\n');
    expect(await check({}, '-', rendered)).toEqual({
      code: 1,
      out: '<stdin>: ConfigMap "rollgate-policy": the policy is valid\n',
      err: 'rollgate policy check: <stdin>: ConfigMap "rollgate-policy": unknown key "mod"; did you mean "mode"?\n',
    });
  });

  it.each([
    ['a file that is not there', {}, 'absent.yaml', undefined, 'absent.yaml: no such file or directory\n'],
    [
      'nothing on standard input',
      {},
      '-',
      '',
      '<stdin>: empty, so nothing was checked: see whether the command before the pipe failed\n',
    ],
    [
      'manifests without a policy',
      { 'p.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { other: x }' },
      'p.yaml',
      undefined,
      'p.yaml: no ConfigMap with the key rollgate.yaml, so nothing was checked: name a policy, or the ConfigMap that holds it\n',
    ],
  ])('fails for %s', async (_, files, file, stdin, message) => {
    expect(await check(files, file, stdin)).toEqual({ code: 2, out: '', err: `rollgate policy check: ${message}` });
  });

  it('checks nothing if a document cannot be read: that may be the one with the policy', async () => {
    const rendered = [CONFIG_MAP('mode: audit'), 'kind: ConfigMap\ndata: {\n'].join('---\n');
    const { code, out, err } = await check({}, '-', rendered);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^rollgate policy check: <stdin>:\d+:\d+: /);
  });

  it('warns about what names nothing, as Rollgate logs it', async () => {
    const written = io(directory({ 'p.yaml': 'rules: { service-gone: deny }\ncontrollers: { namespaces: [] }' }));
    expect(await runPolicyCheck('p.yaml', written, { ...POLICY_CATALOG, retiredRules: ['service-gone'] })).toBe(0);
    expect(written.err().trimEnd().split('\n')).toEqual([
      'rollgate policy check: p.yaml: warning: rules: rule "service-gone" no longer exists: remove it from the policy',
      'rollgate policy check: p.yaml: warning: controllers.namespaces of the policy is empty, so no Argo Rollouts controller is trusted: name the namespaces of your controllers',
    ]);
  });

  it.each([
    [['policy'], 'check'],
    [['policy', 'chek', 'p.yaml'], 'check'],
    [['policy', 'check'], "missing required argument 'file'"],
    [['policy', 'check', 'a', 'b'], 'too many arguments'],
    [['policy', 'check', '--strict', 'a'], "unknown option '--strict'"],
  ])('is used wrongly by %j', async (args, message) => {
    const written = io('.');
    expect(await main(args, written)).toBe(2);
    expect([written.out(), written.err()]).toEqual(['', expect.stringContaining(message)]);
  });

  it('has a help text', async () => {
    const written = io('.');
    expect(await main(['policy', 'check', '--help'], written)).toBe(0);
    expect(written.out()).toContain('the ConfigMap that holds it');
  });
});
