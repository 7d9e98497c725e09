import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { CHART, template } from '../../scripts/helm.ts';
import { scanCommand } from '../../src/commands/scan.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { io } from '../cli/support.ts';
import { objectOf, renderedIn } from '../support/helm.ts';

const RELEASE = 'gate';
const NAMESPACE = 'platform';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rollgate-notes-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function printed(chart: string, ...args: readonly string[]): string {
  const { code, stdout, stderr } = template({ release: RELEASE, namespace: NAMESPACE, chart }, '--skip-tests', ...args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Returns the notes. Only an installation prints them, so a copy of the chart renders them as a value. */
function notesWith(...args: readonly string[]): string {
  const chart = join(folder(), 'chart');
  cpSync(CHART, chart, { recursive: true });
  cpSync(join(chart, 'templates', 'NOTES.txt'), join(chart, 'files', 'NOTES.txt'));
  writeFileSync(join(chart, 'templates', 'notes.yaml'), 'text: {{ tpl (.Files.Get "files/NOTES.txt") . | toJson }}\n');
  return asString(dig(parse(printed(chart, '--show-only', 'templates/notes.yaml', ...args)), 'text'));
}

function notes(...settings: readonly string[]): string {
  return notesWith(...settings.flatMap((setting) => ['--set', setting]));
}

function commands(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());
}

function only(text: string, pattern: RegExp): string {
  const found = commands(text).filter((command) => pattern.test(command));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

function rendered(...args: string[]): unknown[] {
  return renderedIn(printed(CHART, ...args));
}

describe('notes', () => {
  it('tell everybody to use values files: --set alone would drop all other values', () => {
    expect(notes()).not.toContain('--set');
    expect(notes()).not.toContain('--reuse-values');
  });

  it('switch to enforce mode with commands that keep all other values', () => {
    const text = notes();
    const directory = folder();
    // `helm get values` needs a cluster. This is what it prints for a release with and without values.
    for (const [values, replicas] of [
      ['replicas: 5\n', 5],
      ['null\n', 2],
    ] as const) {
      const [, saved = ''] =
        / > (\S+)$/.exec(only(text, /^helm get values gate --namespace platform --output yaml > /)) ?? [];
      writeFileSync(join(directory, saved), values);
      execFileSync('sh', ['-c', only(text, /^printf /)], { cwd: directory });
      const upgrade = only(text, /^helm upgrade gate CHART --namespace platform /);
      const files = [...upgrade.matchAll(/--values (\S+)/g)].map(([, file = '']) => join(directory, file));
      const objects = rendered(...files.flatMap((file) => ['--values', file]));
      expect(dig(objectOf(objects, 'Deployment', 'gate-rollgate'), 'spec', 'replicas')).toBe(replicas);
      const policy = dig(objectOf(objects, 'ConfigMap', 'gate-rollgate-policy'), 'data', 'rollgate.yaml');
      expect(parse(asString(policy))).toMatchObject({ mode: 'enforce' });
    }
  });

  it('name objects that exist', () => {
    const text = notes();
    const objects = rendered();
    expect(only(text, / rollout status /)).toBe('kubectl --namespace platform rollout status deployment gate-rollgate');
    const deployment = objectOf(objects, 'Deployment', 'gate-rollgate');
    const [, selector = ''] = /--selector (\S+)/.exec(only(text, / logs --selector /)) ?? [];
    for (const [key = '', value] of selector.split(',').map((part) => part.split('=')))
      expect(dig(deployment, 'spec', 'template', 'metadata', 'labels', key)).toBe(value);
    const emergency = /^kubectl delete (\S+) (\S+)$/.exec(only(text, /^kubectl delete /));
    expect(emergency?.[1]).toBe('validatingwebhookconfiguration,mutatingwebhookconfiguration');
    for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])
      expect(objectOf(objects, kind, emergency?.[2] ?? '')).toBeDefined();
    expect(only(text, /^helm test /)).toBe('helm test gate --namespace platform');
    expect(notes('selfTest.enabled=false')).not.toMatch(/helm test|self-test/);
  });

  it('scan with the image, the account, the policy and options that exist', () => {
    const settings = ['image.tag=9.9.9', 'imagePullSecrets[0].name=pull'];
    const objects = rendered(...settings.flatMap((setting) => ['--set', setting]));
    const command = only(notes(...settings), / run /);
    const [, name, image, overrides = '', args = ''] =
      /^kubectl --namespace platform run (\S+) --image=(\S+) --restart=Never --rm --stdin --quiet --override-type=strategic --overrides='(.+)' -- (.+)$/.exec(
        command,
      ) ?? [];
    expect(name).toBe('gate-rollgate-scan');
    const pod = dig(objectOf(objects, 'Deployment', 'gate-rollgate'), 'spec', 'template', 'spec');
    expect(image).toBe(dig(asArray(dig(pod, 'containers'))[0], 'image'));
    const [first, ...options] = args.split(' ');
    const gate = asArray(dig(pod, 'containers'))[0];
    expect(JSON.parse(overrides)).toEqual({
      spec: {
        serviceAccountName: dig(pod, 'serviceAccountName'),
        automountServiceAccountToken: true,
        imagePullSecrets: dig(pod, 'imagePullSecrets'),
        securityContext: dig(pod, 'securityContext'),
        containers: [
          {
            name: 'gate-rollgate-scan',
            volumeMounts: [{ name: 'policy', mountPath: '/policy' }],
            securityContext: dig(gate, 'securityContext'),
          },
        ],
        volumes: [{ name: 'policy', configMap: { name: 'gate-rollgate-policy' } }],
      },
    });
    // The file is that of the gate.
    expect(options).toContain('/policy/rollgate.yaml');
    expect(asArray(dig(gate, 'args'))).toContain('--policy=/policy/rollgate.yaml');
    expect(dig(objectOf(objects, 'ConfigMap', 'gate-rollgate-policy'), 'data', 'rollgate.yaml')).toBeDefined();
    // The image runs the program, so these are its arguments.
    expect(readFileSync(join(CHART, '..', 'Dockerfile'), 'utf8')).toMatch(/^ENTRYPOINT .*"dist\/cli.js"\]$/m);
    const scan = scanCommand(io('.'), () => undefined);
    expect(first).toBe(scan.name());
    expect(scan.parseOptions(options)).toEqual({ operands: [], unknown: [] });
  });

  it('say that running pods get a changed policy later', () => {
    const later = 'a minute or more after the upgrade';
    expect(notes()).toContain(later);
    // There are no running pods yet.
    expect(notes('policy.mode=enforce')).not.toContain(later);
    expect(notesWith('--is-upgrade', '--set', 'policy.mode=enforce')).toContain(later);
  });

  it('leave out in enforce mode what only audit mode needs', () => {
    const text = notes('policy.mode=enforce');
    expect(text).toContain('enforce mode: it denies');
    expect(text).not.toContain('helm upgrade');
    expect(text).toContain('helm test');
  });

  it('name the accounts whose canaries failurePolicy Fail never stops, or say that it stops them', () => {
    const usual = '  system:serviceaccount:argo-rollouts:argo-rollouts\n';
    expect(notes()).not.toContain('failurePolicy');
    const text = notes('webhooks.failurePolicy.istio=Fail', 'controllers.accounts={own}', 'exemptAccounts={velero}');
    expect(text).toContain(
      `stops no canary of controllers with these accounts:\n  own\n${usual}If your controller has`,
    );
    const unprotected = notes('webhooks.failurePolicy.istio=Fail', 'webhooks.matchConditions=false');
    expect(unprotected).toContain('So running canaries stop while Rollgate is down.');
    expect(unprotected).not.toContain(usual);
  });
});
