import { describe, expect, it } from 'vitest';
import { renderTest, template } from '../../scripts/helm.ts';
import { selfTestCommand } from '../../src/commands/self-test.ts';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { io } from '../cli/support.ts';
import { objectOf, objects, renderedIn } from '../support/helm.ts';

const rendered = (...args: string[]): unknown[] => renderedIn(renderTest(...args));

describe('helm test', () => {
  it('creates nothing that an installation would create, except the policy that limits its account', () => {
    for (const object of rendered()) expect(dig(object, 'metadata', 'annotations', 'helm.sh/hook')).toBe('test');
    const installed = objects().filter((object) => JSON.stringify(object).includes('self-test'));
    expect(installed.map((object) => dig(object, 'kind'))).toEqual([
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ]);
  });

  it.each<[string, readonly string[]]>([
    ['usually', []],
    ['by another name', ['--set', 'fullnameOverride=gate']],
    ['also while there is no test: an earlier one may have left it', ['--set', 'selfTest.enabled=false']],
  ])('limits its account to dry runs %s', (_, args) => {
    const account = args.includes('selfTest.enabled=false')
      ? 'rollgate-self-test'
      : asString(dig(objectOf(rendered(...args), 'Pod'), 'spec', 'serviceAccountName'));
    const named = (kind: string): unknown =>
      objects(...args).find((object) => dig(object, 'kind') === kind && dig(object, 'metadata', 'name') === account);
    expect(dig(named('ValidatingAdmissionPolicy'), 'spec')).toMatchObject({
      failurePolicy: 'Fail',
      matchConditions: [{ expression: `request.userInfo.username == 'system:serviceaccount:rollgate:${account}'` }],
    });
    expect(dig(named('ValidatingAdmissionPolicyBinding'), 'spec')).toEqual({
      policyName: account,
      validationActions: ['Deny'],
    });
  });

  it('gives its account the right to create Rollouts in one namespace, and takes it away afterwards', () => {
    const all = rendered('--set', 'selfTest.namespace=shop');
    expect(
      all.map((object) => `${asString(dig(object, 'kind'))} ${asString(dig(object, 'metadata', 'namespace'))}`),
    ).toEqual(['ServiceAccount rollgate', 'Role shop', 'RoleBinding shop', 'Pod rollgate']);
    expect(dig(objectOf(all, 'Role'), 'rules')).toEqual([
      { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['create'] },
    ]);
    expect(objectOf(all, 'RoleBinding')).toMatchObject({
      roleRef: { kind: 'Role', name: 'rollgate-self-test' },
      subjects: [{ kind: 'ServiceAccount', name: 'rollgate-self-test', namespace: 'rollgate' }],
    });
    for (const object of all.filter((each) => dig(each, 'kind') !== 'Pod'))
      expect(asString(dig(object, 'metadata', 'annotations', 'helm.sh/hook-delete-policy')).split(',')).toContain(
        'hook-succeeded',
      );
  });

  it('runs the image of Rollgate with arguments that the program takes', () => {
    const pod = objectOf(rendered('--set', 'image.tag=9.9.9', '--set', 'selfTest.namespace=shop'), 'Pod');
    const container = asArray(dig(pod, 'spec', 'containers'))[0];
    expect(dig(container, 'image')).toBe('rollgate:9.9.9');
    expect(dig(container, 'command')).toBeUndefined();
    expect(dig(pod, 'spec', 'serviceAccountName')).toBe('rollgate-self-test');
    const [name, ...args] = asArray(dig(container, 'args')).map(asString);
    const command = selfTestCommand(io('.'), () => undefined);
    expect(command.name()).toBe(name);
    expect(command.parseOptions(args)).toEqual({ operands: [], unknown: [] });
    expect(command.opts()).toEqual({ namespace: 'shop' });
  });

  it('is not reached by the Service, and not counted by other selectors of the chart', () => {
    const labels = asObject(dig(objectOf(rendered(), 'Pod'), 'metadata', 'labels'));
    const selectors = objects('--set', 'networkPolicy.enabled=true', '--set', 'serviceMonitor.enabled=true').flatMap(
      (object) => [
        dig(object, 'kind') === 'Service' ? dig(object, 'spec', 'selector') : undefined,
        dig(object, 'spec', 'selector', 'matchLabels'),
        dig(object, 'spec', 'podSelector', 'matchLabels'),
      ],
    );
    const known = selectors.filter((selector) => selector !== undefined).map(asObject);
    expect(known.length).toBeGreaterThan(2);
    for (const selector of known)
      expect(Object.entries(selector).every(([key, value]) => labels[key] === value)).toBe(false);
  });

  it('has the common labels on all its objects', () => {
    const labelled = rendered('--set', 'commonLabels.team=platform');
    expect(labelled.length).toBeGreaterThan(2);
    for (const object of labelled)
      expect(dig(object, 'metadata', 'labels')).toMatchObject({
        team: 'platform',
        'app.kubernetes.io/name': 'rollgate-self-test',
      });
  });

  it('can run where the restricted Pod Security Standard is enforced', () => {
    const pod = objectOf(rendered(), 'Pod');
    expect(dig(pod, 'spec', 'securityContext')).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(dig(asArray(dig(pod, 'spec', 'containers'))[0], 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('can be left out, and is refused in a namespace that Rollgate is never asked about', () => {
    const inNamespace = (namespace: string, ...settings: string[]) =>
      template({ namespace }, ...settings.flatMap((setting) => ['--set', setting]));
    for (const { stderr, stdout } of [
      inNamespace('rollgate', 'selfTest.enabled=false'),
      // The namespace default is not checked here, and nobody has named another one.
      inNamespace('default'),
      inNamespace('rollgate', 'webhooks.excludedNamespaces={default}'),
    ]) {
      expect(stderr).toBe('');
      expect(stdout).toContain('kind: Deployment');
      expect(stdout).not.toMatch(/^kind: Pod$/m);
    }
    expect(inNamespace('default', 'selfTest.namespace=shop').stdout).toMatch(/^kind: Pod$/m);
    for (const args of [
      ['selfTest.namespace=rollgate'],
      ['selfTest.namespace=legacy', 'webhooks.excludedNamespaces={legacy}'],
    ])
      expect(inNamespace('rollgate', ...args).stderr).toContain(
        'selfTest.namespace: the API server never asks Rollgate',
      );
  });
});
