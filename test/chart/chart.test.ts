import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { KINDS } from '../../src/world/object.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { CHART } from '../../scripts/helm.ts';
import { failure, lint, objectOf, objects, policyIn } from '../support/helm.ts';

/** Combinations of settings that people install. */
const COMBINATIONS: Readonly<Record<string, readonly string[]>> = {
  defaults: [],
  'one replica': ['replicas=1'],
  enforcing: ['policy.mode=enforce', 'policy.rules.istio-injection=off'],
  'own secret': ['certificates.mode=existing', 'certificates.existingSecret=s', 'certificates.caBundle=PEM'],
  'own issuer': ['certificates.certManager.issuerRef.name=ca', 'certificates.certManager.issuerRef.kind=ClusterIssuer'],
  'own certificates': ['certificates.mode=self'],
  everything: [
    'networkPolicy.enabled=true',
    'serviceMonitor.enabled=true',
    'prometheusRule.enabled=true',
    'hostNetwork=true',
    'controllers.accounts={system:serviceaccount:argo-rollouts:argo-rollouts}',
    'exemptAccounts={system:serviceaccount:velero:velero}',
    'webhooks.failurePolicy.argoproj=Fail',
    'podLabels.team=platform',
    'podAnnotations.a=b',
    'priorityClassName=high',
  ],
  'conversion in some namespaces': ['conversion.namespaces={shop,web}'],
  'without conversion': ['conversion.enabled=false'],
  'own profiles': [
    'policy.conversion=off',
    'policy.profiles.mesh.rollout=\\{name\\}-rollout',
    'policy.profiles.mesh.strategy.canary.steps[0].setWeight=10',
    'policy.profiles.mesh.strategy.canary.steps[1].pause.duration=1m',
  ],
  'no matchConditions': ['webhooks.matchConditions=false'],
};

describe('chart', () => {
  it('passes helm lint, strictly', async () => {
    expect((await lint()).code).toBe(0);
  });

  for (const [name, settings] of Object.entries(COMBINATIONS)) {
    it(`renders: ${name}`, () => {
      const rendered = objects(...settings.flatMap((setting) => ['--set', setting]));
      const names = rendered.map(
        (value) =>
          `${asString(dig(value, 'kind'))}/${asString(dig(value, 'metadata', 'namespace'))}/${asString(dig(value, 'metadata', 'name'))}`,
      );
      expect(new Set(names).size).toBe(names.length);

      expect(() => policyIn(rendered)).not.toThrow();

      for (const config of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
        const entries = asArray(dig(objectOf(rendered, config), 'webhooks'));
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
    expect(objectOf(objects(), 'PodDisruptionBudget')).toBeDefined();
    expect(objectOf(objects('--set', 'replicas=1'), 'PodDisruptionBudget')).toBeUndefined();
  });

  it('can set failurePolicy Fail for each group of kinds separately', () => {
    const entries = asArray(
      dig(
        objectOf(objects('--set', 'webhooks.failurePolicy.istio=Fail'), 'ValidatingWebhookConfiguration'),
        'webhooks',
      ),
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
        asArray(dig(objectOf(rendered, config), 'webhooks')).flatMap((entry) =>
          asArray(dig(entry, 'rules')).flatMap((rule) =>
            asArray(dig(rule, 'apiGroups')).flatMap((group) =>
              asArray(dig(rule, 'resources')).map((resource) => `${asString(resource)}.${asString(group)}`),
            ),
          ),
        ),
      );
    const name = (id: keyof typeof KINDS): string => `${KINDS[id].plural}.${KINDS[id].group}`;
    for (const rule of RULES.filter(({ lintOnly }) => !lintOnly))
      for (const subject of rule.subject)
        expect(registered('ValidatingWebhookConfiguration'), rule.id).toContain(name(subject));
    for (const keep of PRESERVERS)
      for (const id of keep.kinds) expect(registered('MutatingWebhookConfiguration'), keep.id).toContain(name(id));
  });

  it('asks about Ingresses only those that an ALB may read, and none if that is off', () => {
    const mutating = (...settings: string[]): unknown =>
      asArray(dig(objectOf(objects(...settings), 'MutatingWebhookConfiguration'), 'webhooks')).find(
        (entry) => dig(entry, 'name') === 'ingresses.mutate.rollgate.io',
      );
    const conditions = asArray(dig(mutating(), 'matchConditions')).map((condition) => dig(condition, 'name'));
    expect(conditions).toEqual(['not-an-exempt-account', 'an-alb-that-a-rollout-may-control']);
    expect(dig(mutating('--set', 'webhooks.matchConditions=false'), 'matchConditions')).toBe(undefined);
    expect(mutating('--set', 'webhooks.keep.ingresses=false')).toBe(undefined);
  });

  it('asks about other routers unless that is off', () => {
    const names = (...settings: string[]): unknown[] =>
      asArray(dig(objectOf(objects(...settings), 'MutatingWebhookConfiguration'), 'webhooks')).map((entry) =>
        dig(entry, 'name'),
      );
    expect(names()).toContain('routers.mutate.rollgate.io');
    expect(names('--set', 'webhooks.keep.routers=false')).not.toContain('routers.mutate.rollgate.io');
  });

  it('rejects settings that cannot work', () => {
    expect(failure('--set', 'replicas=0')).toContain("at '/replicas'");
    expect(failure('--set', 'replica=2')).toContain("additional properties 'replica' not allowed");
    expect(failure('--set', 'controllers.namespaces={argo-*}')).toContain('/controllers/namespaces/0');
    expect(failure('--set', 'conversion.namespaces={team-*}')).toContain('/conversion/namespaces/0');
    expect(failure('--set', 'certificates.mode=self', '--set', 'conversion.namespaces={shop,kube-system}')).toContain(
      'nothing is converted in namespace kube-system',
    );
  });

  it('limits the cache, and gives a larger one a larger heap with the other flags of the image', () => {
    const container = (...settings: string[]): unknown =>
      asArray(dig(objectOf(objects(...settings), 'Deployment'), 'spec', 'template', 'spec', 'containers'))[0];
    expect(dig(container(), 'args')).toContain('--max-cache-size=128');
    expect(dig(container(), 'command')).toBe(undefined);
    const larger = container('--set', 'cache.maxSizeMiB=400');
    expect(dig(larger, 'args')).toContain('--max-cache-size=400');
    const image = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(CHART, '..', 'Dockerfile'), 'utf8'))?.[1] ?? '[]';
    const entrypoint = (JSON.parse(image) as string[]).map((part) => part.replace('=384', '=928'));
    expect(dig(larger, 'command')).toEqual(entrypoint);
  });
});
