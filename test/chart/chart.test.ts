import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { whyUnprotected } from '../../src/migration/conversion-policy.ts';
import { DEFAULT_POLICY, SYSTEM_ACCOUNTS } from '../../src/policy/policy.ts';
import { checkPolicy, parsePolicy } from '../../src/policy/load.ts';
import { RULES } from '../../src/rules/index.ts';
import { asArray, dig, asObject, asString } from '../../src/world/read.ts';
import { KINDS } from '../../src/world/object.ts';
import { CHART, helm, render } from '../../scripts/helm.ts';

/** Combinations of settings that people install. */
const COMBINATIONS: Readonly<Record<string, readonly string[]>> = {
  defaults: [],
  'one replica': ['--set', 'replicas=1'],
  enforcing: ['--set', 'policy.mode=enforce', '--set', 'policy.rules.istio-injection=off'],
  'own secret': [
    '--set',
    'certificates.mode=existing',
    '--set',
    'certificates.existingSecret=s',
    '--set',
    'certificates.caBundle=PEM',
  ],
  'own issuer': [
    '--set',
    'certificates.certManager.issuerRef.name=ca',
    '--set',
    'certificates.certManager.issuerRef.kind=ClusterIssuer',
  ],
  'own certificates': ['--set', 'certificates.mode=self'],
  everything: [
    ...[
      '--set',
      'networkPolicy.enabled=true',
      '--set',
      'serviceMonitor.enabled=true',
      '--set',
      'prometheusRule.enabled=true',
      '--set',
      'hostNetwork=true',
    ],
    ...[
      '--set',
      'controllers.accounts={system:serviceaccount:argo-rollouts:argo-rollouts}',
      '--set',
      'exemptAccounts={system:serviceaccount:velero:velero}',
    ],
    ...[
      '--set',
      'webhooks.failurePolicy.argoproj=Fail',
      '--set',
      'podLabels.team=platform',
      '--set',
      'podAnnotations.a=b',
      '--set',
      'priorityClassName=high',
    ],
  ],
  'conversion in some namespaces': ['--set', 'conversion.namespaces={shop,web}'],
  'without conversion': ['--set', 'conversion.enabled=false'],
  'own profiles': [
    '--set',
    'policy.conversion=off',
    '--set-json',
    'policy.profiles={"mesh":{"rollout":"{name}-rollout","strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{"duration":"1m"}}]}}}}',
  ],
  'no matchConditions': ['--set', 'webhooks.matchConditions=false'],
};

function objects(...args: string[]): unknown[] {
  return parseAllDocuments(render(...args))
    .map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as unknown;
    })
    .filter((value) => value !== null);
}

/** Returns what Helm says about a chart that does not render, for a cluster without cert-manager. */
function fails(...args: string[]): string {
  return spawnSync(helm(), ['template', 'rollgate', CHART, '--kube-version', '1.34.1', ...args], { encoding: 'utf8' })
    .stderr;
}

/** Returns the arguments that set values of `certificates`. */
function certificates(...values: string[]): string[] {
  return values.flatMap((value) => ['--set', `certificates.${value}`]);
}

function kind(rendered: readonly unknown[], name: string): unknown {
  return rendered.find((value) => dig(value, 'kind') === name);
}

describe('chart', () => {
  beforeAll(() => {
    helm();
  });

  it('passes helm lint, strictly', () => {
    execFileSync(helm(), ['lint', '--strict', CHART, '--kube-version', '1.34.1'], { stdio: 'pipe' });
  });

  for (const [name, args] of Object.entries(COMBINATIONS)) {
    it(`renders: ${name}`, () => {
      const rendered = objects(...args);
      const names = rendered.map(
        (value) =>
          `${asString(dig(value, 'kind'))}/${asString(dig(value, 'metadata', 'namespace'))}/${asString(dig(value, 'metadata', 'name'))}`,
      );
      expect(new Set(names).size).toBe(names.length);

      const policy = parsePolicy(
        asString(
          dig(
            rendered.find((value) => dig(value, 'kind') === 'ConfigMap'),
            'data',
            'rollgate.yaml',
          ),
        ),
        POLICY_CATALOG,
      );
      expect(policy).toMatchObject({ ok: true });

      for (const config of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
        const entries = asArray(dig(kind(rendered, config), 'webhooks'));
        expect(entries.length).toBeGreaterThan(3);
        expect(new Set(entries.map((entry) => dig(entry, 'name'))).size).toBe(entries.length);
        for (const entry of entries) {
          expect(entry).toMatchObject({
            sideEffects: 'None',
            matchPolicy: 'Equivalent',
            timeoutSeconds: 5,
            admissionReviewVersions: ['v1'],
          });
          expect(dig(asArray(dig(entry, 'namespaceSelector', 'matchExpressions'))[0], 'values')).toEqual(
            expect.arrayContaining(['kube-system', 'rollgate']),
          );
        }
      }
    });
  }

  it('renders a PodDisruptionBudget only if there is more than one replica', () => {
    expect(kind(objects(), 'PodDisruptionBudget')).toBeDefined();
    expect(kind(objects('--set', 'replicas=1'), 'PodDisruptionBudget')).toBeUndefined();
  });

  it('uses the same exempt accounts in the policy and in the matchConditions', () => {
    const rendered = objects('--set', 'exemptAccounts={a:b}', '--set', 'controllers.accounts={c:d}');
    const expression = asString(
      dig(
        asArray(
          dig(asArray(dig(kind(rendered, 'ValidatingWebhookConfiguration'), 'webhooks'))[0], 'matchConditions'),
        )[0],
        'expression',
      ),
    );
    const listed = JSON.parse(expression.slice(expression.indexOf('['), expression.lastIndexOf(']') + 1)) as string[];
    const policy = parsePolicy(
      asString(
        dig(
          rendered.find((value) => dig(value, 'kind') === 'ConfigMap'),
          'data',
          'rollgate.yaml',
        ),
      ),
      POLICY_CATALOG,
    );
    if (!policy.ok) throw new Error(policy.errors.join());
    const said = [
      ...SYSTEM_ACCOUNTS,
      ...policy.policy.exemptions.accounts,
      ...policy.policy.controllers.accounts,
      'system:serviceaccount:rollgate:rollgate',
    ];
    expect(new Set(listed)).toEqual(new Set(said));
  });

  it('trusts the label of a controller in argo-rollouts by default, and leaves an empty list empty', () => {
    const namespaces = (...args: string[]): readonly string[] => {
      const config = objects(...args).find((value) => dig(value, 'kind') === 'ConfigMap');
      const policy = parsePolicy(asString(dig(config, 'data', 'rollgate.yaml')), POLICY_CATALOG);
      if (!policy.ok) throw new Error(policy.errors.join());
      return policy.policy.controllers.namespaces;
    };
    expect(namespaces()).toEqual(['argo-rollouts']);
    expect(namespaces('--set-json', 'controllers.namespaces=[]')).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    ['nothing is set', []],
    ['only the chart excludes it', ['--set', 'webhooks.excludedNamespaces={legacy,kube-system}']],
    ['nothing is excluded', ['--set-json', 'webhooks.excludedNamespaces=[]']],
    [
      'the policy exempts others',
      ['--set', 'webhooks.excludedNamespaces={legacy}', '--set', 'policy.exemptions.namespaces={sandbox-*}'],
    ],
  ])('exempts every namespace that the webhooks exclude in the policy: %s', (_, args) => {
    const rendered = objects(...args);
    const excluded = asArray(dig(kind(rendered, 'ValidatingWebhookConfiguration'), 'webhooks')).flatMap((entry) =>
      asArray(dig(asArray(dig(entry, 'namespaceSelector', 'matchExpressions'))[0], 'values')).map(asString),
    );
    const loaded = parsePolicy(asString(dig(kind(rendered, 'ConfigMap'), 'data', 'rollgate.yaml')), POLICY_CATALOG);
    if (!loaded.ok) throw new Error(loaded.errors.join());
    const { namespaces } = loaded.policy.exemptions;
    expect(excluded).toContain('rollgate');
    expect(excluded.filter((name) => !namespaces.includes(name))).toEqual([]);
    // What the policy exempts is added to, never replaced.
    const own = args.some((arg) => arg.startsWith('policy.')) ? ['sandbox-*'] : DEFAULT_POLICY.exemptions.namespaces;
    expect(namespaces).toEqual(expect.arrayContaining([...own]));
  });

  it.each<[string, readonly string[]]>([
    ['with conversion', []],
    ['without conversion', ['--set', 'conversion.enabled=false']],
    ['with excluded namespaces', ['--set', 'webhooks.excludedNamespaces={legacy}', '--set', 'exemptAccounts={a:b}']],
  ])('renders the conversion policy that Rollgate expects, %s', (_, args) => {
    const rendered = objects(...args);
    const named = (wanted: string): unknown =>
      rendered.find(
        (value) => dig(value, 'kind') === wanted && dig(value, 'metadata', 'name') === 'rollgate-conversion',
      );
    const policy = named('ValidatingAdmissionPolicy');
    const binding = named('ValidatingAdmissionPolicyBinding');
    expect(whyUnprotected('rollgate-conversion', policy, binding)).toBeUndefined();
    for (const validation of asArray(dig(policy, 'spec', 'validations')))
      expect([dig(validation, 'reason'), asString(dig(validation, 'message'))]).toEqual([
        'Forbidden',
        expect.stringContaining('rollouts.argoproj.io'),
      ]);
  });

  it('limits what its own account may write, and nobody else', () => {
    const policies = objects().filter(
      (value) =>
        dig(value, 'kind') === 'ValidatingAdmissionPolicy' &&
        asString(dig(value, 'metadata', 'name')).startsWith('rollgate-account-'),
    );
    expect(policies).toHaveLength(2);
    for (const policy of policies) {
      expect(dig(policy, 'spec', 'failurePolicy')).toBe('Fail');
      expect(dig(policy, 'spec', 'matchConditions')).toEqual([
        {
          name: 'account-of-rollgate',
          expression: "request.userInfo.username == 'system:serviceaccount:rollgate:rollgate'",
        },
      ]);
      const name = dig(policy, 'metadata', 'name');
      const bindings = objects().filter(
        (value) => dig(value, 'kind') === 'ValidatingAdmissionPolicyBinding' && dig(value, 'metadata', 'name') === name,
      );
      expect(bindings.map((binding) => dig(binding, 'spec'))).toEqual([
        { policyName: name, validationActions: ['Deny'] },
      ]);
    }
  });

  it('can set failurePolicy Fail for each group of kinds separately', () => {
    const entries = asArray(
      dig(kind(objects('--set', 'webhooks.failurePolicy.istio=Fail'), 'ValidatingWebhookConfiguration'), 'webhooks'),
    );
    const policies = Object.fromEntries(
      entries.map((entry) => [asString(dig(entry, 'name')), dig(entry, 'failurePolicy')]),
    );
    expect(policies['istio.validate.rollgate.io']).toBe('Fail');
    expect(policies['services.validate.rollgate.io']).toBe('Ignore');
  });

  it('registers every kind that a rule evaluates or a preserver changes, by its plural', () => {
    const rendered = objects();
    const registered = (config: string): Set<string> =>
      new Set(
        asArray(dig(kind(rendered, config), 'webhooks')).flatMap((entry) =>
          asArray(dig(entry, 'rules')).flatMap((rule) =>
            asArray(dig(rule, 'apiGroups')).flatMap((group) =>
              asArray(dig(rule, 'resources')).map((resource) => `${asString(resource)}.${asString(group)}`),
            ),
          ),
        ),
      );
    const name = (id: keyof typeof KINDS): string => `${KINDS[id].plural}.${KINDS[id].group}`;
    for (const rule of RULES)
      for (const subject of rule.subject)
        expect(registered('ValidatingWebhookConfiguration'), rule.id).toContain(name(subject));
    for (const keep of PRESERVERS)
      for (const id of keep.kinds) expect(registered('MutatingWebhookConfiguration'), keep.id).toContain(name(id));
  });

  it.each<[string, string, ...string[]]>([
    ['certificates.mode=existing: set certificates.existingSecret', 'mode=existing'],
    ['certificates.mode=existing: set certificates.caBundle', 'mode=existing', 'existingSecret=s'],
    ['issuerRef has no effect', 'mode=existing', 'existingSecret=s', 'caBundle=PEM', 'certManager.issuerRef.name=ca'],
    ['issuerRef has no effect', 'mode=self', 'certManager.issuerRef.name=ca'],
    ['certificates.mode=self: certificates.existingSecret and certificates.caBundle', 'mode=self', 'existingSecret=s'],
    ['certificates.mode=cert-manager: certificates.existingSecret', 'existingSecret=s', 'caBundle=PEM'],
    ['certificates.mode=cert-manager: certificates.existingSecret', 'caBundle=PEM'],
    ['/certificates/mode', 'mode=openssl'],
    ["additional properties 'enabled' not allowed", 'certManager.enabled=false'],
  ])('says "%s" for certificates.%s', (message, ...values) => {
    expect(fails('--api-versions', 'cert-manager.io/v1', ...certificates(...values))).toContain(message);
  });

  it('says what to set if the cluster has no cert-manager, and needs it for no other mode', () => {
    expect(fails()).toContain(
      'the cluster does not serve cert-manager.io/v1. Install cert-manager first, or set certificates.mode=self. For helm template, add --api-versions cert-manager.io/v1',
    );
    expect(fails(...certificates('mode=self'))).toBe('');
    expect(fails(...certificates('mode=existing', 'existingSecret=s', 'caBundle=PEM'))).toBe('');
  });

  it('gives each mode its own certificate, and a bundle only where it is known', () => {
    const modes = {
      'cert-manager': certificates(),
      self: certificates('mode=self'),
      existing: certificates('mode=existing', 'existingSecret=mine', 'caBundle=PEM'),
    };
    const found = Object.fromEntries(
      Object.entries(modes).map(([mode, args]) => {
        const rendered = objects(...args);
        const pod = dig(kind(rendered, 'Deployment'), 'spec', 'template', 'spec');
        const configuration = kind(rendered, 'ValidatingWebhookConfiguration');
        return [
          mode,
          {
            options: asArray(dig(asArray(dig(pod, 'containers'))[0], 'args')).filter((arg) =>
              /cert|webhook-conf/.test(asString(arg)),
            ),
            secrets: asArray(dig(pod, 'volumes')).flatMap((volume) => dig(volume, 'secret', 'secretName') ?? []),
            injected: dig(configuration, 'metadata', 'annotations', 'cert-manager.io/inject-ca-from'),
            bundle: dig(asArray(dig(configuration, 'webhooks'))[0], 'clientConfig', 'caBundle'),
            kinds: ['Certificate', 'Secret'].filter((name) => kind(rendered, name) !== undefined),
          },
        ];
      }),
    );
    const files = ['--cert-dir=/certificates'];
    expect(found).toEqual({
      'cert-manager': {
        options: files,
        secrets: ['rollgate-tls'],
        injected: 'rollgate/rollgate',
        bundle: undefined,
        kinds: ['Certificate'],
      },
      self: {
        options: [
          '--certificate-secret=rollgate/rollgate-certificates',
          '--certificate-service=rollgate/rollgate',
          '--webhook-configurations=rollgate',
        ],
        secrets: [],
        injected: undefined,
        bundle: undefined,
        kinds: ['Secret'],
      },
      existing: { options: files, secrets: ['mine'], injected: undefined, bundle: btoa('PEM'), kinds: [] },
    });
  });

  it('grants what certificates.mode=self needs by name, with an empty Secret that upgrades do not touch', () => {
    const rendered = objects(...certificates('mode=self'), '--set', 'conversion.enabled=false');
    expect(kind(rendered, 'Secret')).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'rollgate-certificates',
        namespace: 'rollgate',
        labels: dig(kind(rendered, 'Service'), 'metadata', 'labels'),
      },
      type: 'Opaque',
    });
    const rights = rendered
      .filter((value) => asString(dig(value, 'kind')).endsWith('Role'))
      .filter((value) => dig(value, 'metadata', 'name') === 'rollgate-certificates')
      .flatMap((role) =>
        asArray(dig(role, 'rules')).map((rule) =>
          ['resources', 'resourceNames', 'verbs'].map((field) => asArray(dig(rule, field)).join()).join(' '),
        ),
      );
    expect(rights).toEqual([
      'mutatingwebhookconfigurations,validatingwebhookconfigurations rollgate get,patch',
      'secrets rollgate-certificates get,patch',
      'leases  create',
      'leases rollgate-certificates get,update',
    ]);
    expect(JSON.stringify(objects('--set', 'conversion.enabled=false'))).not.toContain('rollgate-certificates');
  });

  it('rejects settings that cannot work', () => {
    expect(fails('--set', 'replicas=0')).toContain('replicas');
    expect(fails('--set', 'replica=2')).toContain('replica');
    expect(fails('--set', 'controllers.namespaces={argo-*}')).toContain('/controllers/namespaces/0');
    expect(fails('--set', 'conversion.namespaces={team-*}')).toContain('/conversion/namespaces/0');
    expect(fails(...certificates('mode=self'), '--set', 'conversion.namespaces={shop,kube-system}')).toContain(
      'nothing is converted in namespace kube-system',
    );
  });

  it.each([
    { rules: { 'no-such-rule': 'warn' } },
    { rules: { 'route-port-exists': 'maybe' } },
    { keeps: { 'no-such-keep': 'off' } },
    { mode: 'strict' },
    { onDelete: false },
    { breakGlass: { maxDuration: '1d' } },
    { exemptions: { account: ['velero'] } },
    { trustedNamespaces: [{ rollouts: 'a' }] },
    { overrides: [{ namespaces: ['shop'] }] },
    { overrides: [{ name: 'a', mode: 'strict' }] },
    { overrides: [{ name: 'a', namespace: ['shop'] }] },
    { overrides: [{ name: 'a', rules: { 'no-such-rule': 'warn' } }] },
    { overrides: [{ name: 'a', keeps: { 'service-hash': 'maybe' } }] },
    { profiles: { off: { strategy: {} } } },
    { profiles: { own: {} } },
    { profiles: { own: { strategy: {}, metadata: { label: {} } } } },
  ])('rejects a policy that Rollgate rejects: %j', (policy) => {
    expect(checkPolicy(policy, POLICY_CATALOG).ok).toBe(false);
    expect(fails('--set-json', `policy=${JSON.stringify(policy)}`)).toContain("at '/policy/");
  });

  it('accepts a policy with everything that Rollgate accepts', () => {
    const { rules, keeps } = POLICY_CATALOG;
    const settings = {
      mode: 'enforce',
      rules: Object.fromEntries(rules.map((id) => [id, 'warn'])),
      keeps: Object.fromEntries(keeps.map((id) => [id, 'off'])),
      onTooLarge: 'deny',
      conversion: 'off',
    };
    const strategy = { canary: { steps: [{ setWeight: 10 }, { pause: { duration: '1m' } }] } };
    const policy = {
      ...settings,
      breakGlass: { maxDuration: '1h30m' },
      trustedNamespaces: [{ rollouts: 'team-*', objects: 'mesh' }],
      overrides: [{ name: 'a', namespaces: ['prod-*'], byLabel: 'any', ...settings }],
      profiles: { own: { strategy, metadata: { labels: { team: 'a' } }, progressDeadlineAbort: true } },
    };
    const rendered = objects('--set-json', `policy=${JSON.stringify(policy)}`);
    const loaded = parsePolicy(asString(dig(kind(rendered, 'ConfigMap'), 'data', 'rollgate.yaml')), POLICY_CATALOG);
    expect(loaded).toMatchObject({ ok: true, policy: settings });
  });

  it('limits the cache, and gives a larger one a larger heap with the other flags of the image', () => {
    const container = (...settings: string[]): unknown =>
      asArray(dig(kind(objects(...settings), 'Deployment'), 'spec', 'template', 'spec', 'containers'))[0];
    expect(dig(container(), 'args')).toContain('--max-cache-size=128');
    expect(dig(container(), 'command')).toBe(undefined);
    const larger = container('--set', 'cache.maxSizeMiB=400');
    expect(dig(larger, 'args')).toContain('--max-cache-size=400');
    const image = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(CHART, '..', 'Dockerfile'), 'utf8'))?.[1] ?? '[]';
    const entrypoint = (JSON.parse(image) as string[]).map((part) => part.replace('=384', '=928'));
    expect(dig(larger, 'command')).toEqual(entrypoint);
  });

  it('grants write access to what conversion writes, and none without conversion', () => {
    const writes = (...args: string[]): string[] =>
      objects(...args)
        .filter(
          (value) =>
            ['ClusterRole', 'Role'].includes(asString(dig(value, 'kind'))) &&
            asString(dig(value, 'metadata', 'name')).endsWith('-conversion'),
        )
        .flatMap((role) =>
          asArray(dig(role, 'rules')).map(
            (rule) => `${asArray(dig(rule, 'resources')).join()} ${asArray(dig(rule, 'verbs')).join()}`,
          ),
        );
    expect(writes()).toEqual([
      'rollouts create,patch,delete',
      'deployments patch',
      'events create',
      'validatingadmissionpolicies,validatingadmissionpolicybindings get',
      'leases create',
      'leases get,update',
    ]);
    expect(writes('--set', 'conversion.enabled=false')).toEqual([]);
    const args = (...settings: string[]): unknown =>
      dig(asArray(dig(kind(objects(...settings), 'Deployment'), 'spec', 'template', 'spec', 'containers'))[0], 'args');
    expect(args()).toContain('--conversion-lease=rollgate/rollgate-conversion');
    expect(args()).toContain('--conversion-policy=rollgate-conversion');
    expect(JSON.stringify(args('--set', 'conversion.enabled=false'))).not.toContain('conversion');
  });

  it('grants write access only in the namespaces of conversion.namespaces, and tells the program which', () => {
    const rendered = objects('--set', 'conversion.namespaces={shop,web,shop}');
    const rights = rendered
      .filter((value) => ['ClusterRole', 'Role'].includes(asString(dig(value, 'kind'))))
      .flatMap((role) =>
        asArray(dig(role, 'rules'))
          .filter((rule) =>
            asArray(dig(rule, 'verbs')).some((verb) => ['create', 'patch', 'delete'].includes(asString(verb))),
          )
          .map(
            (rule) =>
              `${asString(dig(role, 'metadata', 'namespace')) || '*'}: ${asArray(dig(rule, 'resources')).join()} ${asArray(dig(rule, 'verbs')).join()}`,
          ),
      );
    expect(rights).toEqual([
      '*: tokenreviews create',
      '*: subjectaccessreviews create',
      '*:  create',
      'shop: rollouts create,patch,delete',
      'shop: deployments patch',
      'shop: events create',
      'web: rollouts create,patch,delete',
      'web: deployments patch',
      'web: events create',
      'rollgate: leases create',
    ]);
    const bindings = rendered.filter((value) => dig(value, 'kind') === 'RoleBinding');
    expect(bindings.map((binding) => dig(binding, 'metadata', 'namespace'))).toEqual(['shop', 'web', 'rollgate']);
    for (const binding of bindings)
      expect(binding).toMatchObject({
        roleRef: { kind: 'Role', name: 'rollgate-conversion' },
        subjects: [{ kind: 'ServiceAccount', name: 'rollgate', namespace: 'rollgate' }],
      });
    const policy = parsePolicy(asString(dig(kind(rendered, 'ConfigMap'), 'data', 'rollgate.yaml')), POLICY_CATALOG);
    expect(policy).toMatchObject({ policy: { conversionNamespaces: ['shop', 'web'] } });
  });

  it('keeps the admission policies the same for every list of namespaces', () => {
    const policies = (...args: string[]): unknown[] =>
      objects(...args).filter((value) => asString(dig(value, 'kind')).startsWith('ValidatingAdmissionPolicy'));
    expect(policies('--set', 'conversion.namespaces={shop}')).toEqual(policies());
  });

  it('grants nothing in a namespace without conversion, and renders without the value', () => {
    const roles = (...args: string[]): unknown[] => objects(...args).filter((value) => dig(value, 'kind') === 'Role');
    const off = ['--set', 'conversion.enabled=false', '--set', 'conversion.namespaces={shop}'];
    expect(roles(...off)).toEqual([]);
    // Admission then says that conversion is off, not that the namespace should be added.
    expect(JSON.stringify(kind(objects(...off), 'ConfigMap'))).toContain('conversionNamespaces: []');
    // Values of an earlier version, as --reuse-values takes them.
    expect(roles('--set-json', 'conversion.namespaces=null')).toEqual(roles());
  });

  it('grants read access to what is cached, without write access and without Secrets', () => {
    const role = objects().find(
      (value) => dig(value, 'kind') === 'ClusterRole' && dig(value, 'metadata', 'name') === 'rollgate',
    );
    const rules = asArray(asObject(role)['rules']);
    const readable = new Set<string>();
    for (const rule of rules) {
      const verbs = asArray(dig(rule, 'verbs'));
      for (const group of asArray(dig(rule, 'apiGroups'))) {
        for (const resource of asArray(dig(rule, 'resources'))) {
          expect(resource).not.toBe('secrets');
          if (['tokenreviews', 'subjectaccessreviews'].includes(asString(resource))) expect(verbs).toEqual(['create']);
          else expect(verbs).toEqual(['get', 'list', 'watch']);
          readable.add(`${asString(resource)}.${asString(group)}`);
        }
      }
    }
    const cached = Object.entries(KINDS)
      .filter(([id]) => id !== 'Secret')
      .map(([, info]) => `${info.plural}.${info.group}`);
    expect(cached.filter((name) => !readable.has(name))).toEqual([]);
  });

  it('gets its certificate from an authority whose key outlives it, so that old and new certificates are trusted at once', () => {
    const rendered = objects();
    const named = (wanted: string, name: unknown): unknown =>
      rendered.find((value) => dig(value, 'kind') === wanted && dig(value, 'metadata', 'name') === name);
    const issuer = named('Issuer', dig(named('Certificate', 'rollgate'), 'spec', 'issuerRef', 'name'));
    const ca = rendered.find(
      (value) =>
        dig(value, 'kind') === 'Certificate' &&
        dig(value, 'spec', 'secretName') === dig(issuer, 'spec', 'ca', 'secretName'),
    );
    expect(ca).toMatchObject({ spec: { isCA: true, privateKey: { rotationPolicy: 'Never' }, duration: '87600h' } });
    expect(named('Issuer', dig(ca, 'spec', 'issuerRef', 'name'))).toMatchObject({ spec: { selfSigned: {} } });
    const injected = dig(
      kind(rendered, 'ValidatingWebhookConfiguration'),
      'metadata',
      'annotations',
      'cert-manager.io/inject-ca-from',
    );
    expect(injected).toBe('rollgate/rollgate');
    expect(objects(...(COMBINATIONS['own issuer'] ?? [])).filter((value) => dig(value, 'kind') === 'Issuer')).toEqual(
      [],
    );
  });

  it('matches certs/', () => {
    const check = spawnSync(
      process.execPath,
      [join(import.meta.dirname, '..', '..', 'scripts', 'certs.ts'), '--check'],
      { encoding: 'utf8' },
    );
    expect(check.stderr).toBe('');
    expect(readFileSync(join(CHART, '..', 'certs', 'certificate.yaml'), 'utf8')).toContain('kind: Issuer');
  });
});
