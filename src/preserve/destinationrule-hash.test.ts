import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { destinationRuleHash } from './destinationrule-hash.ts';

function rollout(status: string, metadata = 'name: reviews, namespace: shop'): KubeObject {
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {${metadata}}
spec:
  strategy:
    canary:
      trafficRouting:
        istio:
          virtualService: {name: reviews}
          destinationRule: {name: reviews, stableSubsetName: stable, canarySubsetName: canary}
status: ${status}
`);
}

function rule(subsets: string, annotations = ''): KubeObject {
  return yaml(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop${annotations === '' ? '' : `, annotations: {${annotations}}`}}
spec:
  host: reviews
  subsets: ${subsets}
`);
}

const MANAGED = 'argo-rollouts.argoproj.io/managed-by-rollouts';
const GIT = '[{name: stable, labels: {app: reviews}}, {name: canary, labels: {app: reviews}}]';
const CANARY_SERVES = 'currentPodHash: new, stableRS: old, replicas: 6, updatedReplicas: 1, availableReplicas: 6';
const live = (stable: string, canary: string): KubeObject =>
  rule(
    `[{name: stable, labels: {app: reviews, rollouts-pod-template-hash: ${stable}}}, {name: canary, labels: {app: reviews, rollouts-pod-template-hash: ${canary}}}]`,
    `${MANAGED}: reviews`,
  );

function hashes(object: KubeObject): unknown {
  const spec = object['spec'] as { subsets: { name: string; labels?: Record<string, string> }[] };
  return Object.fromEntries(spec.subsets.map(({ name, labels }) => [name, labels?.['rollouts-pod-template-hash']]));
}

describe('destinationrule-hash', () => {
  it('puts the stored hashes back into an apply from Git, with the annotation', () => {
    const { object, operations, notes } = apply(
      destinationRuleHash,
      rule(GIT),
      live('old', 'new'),
      rollout(`{${CANARY_SERVES}}`),
    );
    expect(operations).toEqual([
      { op: 'add', path: '/spec/subsets/0/labels/rollouts-pod-template-hash', value: 'old' },
      { op: 'add', path: '/spec/subsets/1/labels/rollouts-pod-template-hash', value: 'new' },
      { op: 'add', path: '/metadata/annotations', value: { [MANAGED]: 'reviews' } },
    ]);
    expect(notes).toEqual(['hash old in subset "stable", hash new in subset "canary", the managed-by annotation']);
    expect(object).toEqual(live('old', 'new'));
  });

  it('lets everything else through', () => {
    const submitted = rule(
      '[{name: canary, labels: {app: reviews}, trafficPolicy: {tls: {mode: DISABLE}}}, {name: stable, labels: {app: reviews, tier: web}}]',
      'team: a',
    );
    const { object } = apply(destinationRuleHash, submitted, live('old', 'new'), rollout(`{${CANARY_SERVES}}`));
    expect(object).toEqual(
      rule(
        '[{name: canary, labels: {app: reviews, rollouts-pod-template-hash: new}, trafficPolicy: {tls: {mode: DISABLE}}}, {name: stable, labels: {app: reviews, tier: web, rollouts-pod-template-hash: old}}]',
        `team: a, ${MANAGED}: reviews`,
      ),
    );
  });

  it('replaces a hash that the status does not know', () => {
    const { operations } = apply(
      destinationRuleHash,
      live('gone', 'new'),
      live('gone', 'new'),
      rollout(`{${CANARY_SERVES}}`),
    );
    expect(operations).toEqual([
      { op: 'replace', path: '/spec/subsets/0/labels/rollouts-pod-template-hash', value: 'old' },
    ]);
  });

  it('leaves an object alone that has it all', () => {
    expect(
      apply(destinationRuleHash, live('old', 'new'), live('old', 'new'), rollout(`{${CANARY_SERVES}}`)).operations,
    ).toEqual([]);
  });

  it.each([
    ['the new pods serve', `{${CANARY_SERVES}}`, { stable: 'old', canary: 'new' }],
    [
      'nothing new serves',
      '{currentPodHash: new, stableRS: old, replicas: 6, updatedReplicas: 1, availableReplicas: 5}',
      { stable: 'old', canary: 'old' },
    ],
    ['the update is aborted', `{${CANARY_SERVES}, abort: true}`, { stable: 'old', canary: 'old' }],
    [
      'the status records what was written',
      '{currentPodHash: newest, stableRS: old, canary: {weights: {canary: {weight: 20, podTemplateHash: new}, stable: {weight: 80, podTemplateHash: old}}}}',
      { stable: 'old', canary: 'new' },
    ],
    [
      'it is settled',
      '{currentPodHash: new, stableRS: new, replicas: 5, updatedReplicas: 5, availableReplicas: 5}',
      { stable: 'new', canary: 'new' },
    ],
  ])('fills a new DestinationRule: %s', (_, status, expected) => {
    const { object } = apply(destinationRuleHash, rule(GIT), undefined, rollout(status));
    expect(hashes(object)).toEqual(expected);
    expect(object.metadata['annotations']).toEqual({ [MANAGED]: 'reviews' });
  });

  it('adds labels to a subset without any, and passes over what is no subset', () => {
    const { object } = apply(
      destinationRuleHash,
      rule('[null, {name: stable}, 7, {name: canary, labels: nonsense}, {name: [canary]}]'),
      undefined,
      rollout(`{${CANARY_SERVES}}`),
    );
    expect(object['spec']).toEqual({
      host: 'reviews',
      subsets: [
        null,
        { name: 'stable', labels: { 'rollouts-pod-template-hash': 'old' } },
        7,
        { name: 'canary', labels: 'nonsense' },
        { name: ['canary'] },
      ],
    });
  });

  it('puts the subset of a running experiment back, and only that', () => {
    const status = `{${CANARY_SERVES}, canary: {weights: {canary: {weight: 10, podTemplateHash: new}, stable: {weight: 80, podTemplateHash: old}, additional: [{serviceName: reviews-exp, weight: 10, podTemplateHash: exp}]}}}`;
    const stored = rule(
      '[{name: stable, labels: {rollouts-pod-template-hash: old}}, {name: canary, labels: {rollouts-pod-template-hash: new}}, {name: reviews-exp, labels: {rollouts-pod-template-hash: exp}}, {name: ended, labels: {rollouts-pod-template-hash: ended}}]',
      `${MANAGED}: reviews`,
    );
    const { object, notes } = apply(destinationRuleHash, rule(GIT, `${MANAGED}: reviews`), stored, rollout(status));
    expect(hashes(object)).toEqual({ stable: 'old', canary: 'new', 'reviews-exp': 'exp' });
    expect(notes).toEqual([
      'hash old in subset "stable", hash new in subset "canary", subset "reviews-exp" of the running experiment',
    ]);
  });

  it('puts no subset of an experiment back that has other pods now, nor annotates a rule that has nothing else', () => {
    const status = `{${CANARY_SERVES}, canary: {weights: {additional: [{serviceName: reviews-exp, weight: 10, podTemplateHash: exp}]}}}`;
    const stored = rule(
      '[{name: stable, labels: {rollouts-pod-template-hash: old}}, {name: reviews-exp, labels: {rollouts-pod-template-hash: before}}]',
      `${MANAGED}: reviews`,
    );
    expect(hashes(apply(destinationRuleHash, rule(GIT), stored, rollout(status)).object)).toEqual({
      stable: 'old',
      canary: 'new',
    });
    expect(
      apply(destinationRuleHash, rule('[{name: reviews-exp, labels: {}}]'), stored, rollout(status)).operations,
    ).toEqual([]);
  });

  it.each([
    ['no status', rollout('{}')],
    [
      'being deleted',
      rollout(`{${CANARY_SERVES}}`, 'name: reviews, namespace: shop, deletionTimestamp: "2026-01-01T00:00:00Z"'),
    ],
    ['of another namespace', rollout(`{${CANARY_SERVES}}`, 'name: reviews, namespace: elsewhere')],
  ])('does nothing for a Rollout: %s', (_, other) => {
    expect(apply(destinationRuleHash, rule(GIT), live('old', 'new'), other).operations).toEqual([]);
  });

  it('leaves a DestinationRule to the Rollout that the annotation names, as long as that one refers to it', () => {
    const other = rollout('{currentPodHash: x, stableRS: x}', 'name: other, namespace: shop');
    const stored = rule(GIT, `${MANAGED}: other`);
    expect(apply(destinationRuleHash, rule(GIT), stored, rollout(`{${CANARY_SERVES}}`), [other]).operations).toEqual(
      [],
    );
    const elsewhere = yaml(
      JSON.stringify(other).replace('"destinationRule":{"name":"reviews"', '"destinationRule":{"name":"elsewhere"'),
    );
    expect(
      apply(destinationRuleHash, rule(GIT), stored, rollout(`{${CANARY_SERVES}}`), [elsewhere]).operations,
    ).not.toEqual([]);
    const { object } = apply(destinationRuleHash, rule(GIT), stored, rollout(`{${CANARY_SERVES}}`));
    expect(object.metadata['annotations']).toEqual({ [MANAGED]: 'reviews' });
  });

  it('does not annotate a DestinationRule without the subsets', () => {
    expect(
      apply(destinationRuleHash, rule('[{name: v1, labels: {version: v1}}]'), undefined, rollout(`{${CANARY_SERVES}}`))
        .operations,
    ).toEqual([]);
    expect(
      apply(destinationRuleHash, rule('nonsense'), live('old', 'new'), rollout(`{${CANARY_SERVES}}`)).operations,
    ).toEqual([]);
  });
});
