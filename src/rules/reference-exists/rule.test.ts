import { describe, expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { bundleWorld } from '../../world/manifests.ts';
import type { KubeObject } from '../../world/object.ts';
import { evaluate } from '../engine.ts';
import { renderText } from '../finding.ts';
import { referenceExists } from './rule.ts';

testRule(referenceExists, import.meta.dirname);

describe('what the pods need, where the manifests are all there is', () => {
  const rollout = (podSpec: unknown): KubeObject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'reviews', namespace: 'shop' },
    spec: { template: { spec: podSpec }, strategy: { canary: {} } },
  });
  const named = (kind: string, name: string): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: 'shop' },
  });
  const messages = (podSpec: unknown, ...others: KubeObject[]): string[] => {
    const subject = rollout(podSpec);
    return evaluate(bundleWorld([subject, ...others], { complete: true }), [subject], [referenceExists]).findings.map(
      renderText,
    );
  };

  it('is reported once, however often it is named', () => {
    const env = [1, 2].map((key) => ({
      name: `K${key}`,
      valueFrom: { configMapKeyRef: { name: 'reviews-setings', key: `k${key}` } },
    }));
    expect(messages({ containers: [{ env }] }, named('ConfigMap', 'reviews-settings'))).toMatchInlineSnapshot(`
      [
        "there is no ConfigMap "reviews-setings", which the pods need to start: create it, or name one that exists (is "reviews-settings" meant?) [reference-exists]",
      ]
    `);
  });

  it('is a ServiceAccount too, unless it is the one every namespace has', () => {
    expect(messages({ serviceAccountName: 'default' })).toEqual([]);
    expect(messages({ serviceAccountName: 'reviews' })).toMatchInlineSnapshot(`
      [
        "there is no ServiceAccount "reviews", which the pods need to start: create it, or name one that exists [reference-exists]",
      ]
    `);
  });

  it('may be a Secret, but what other Secrets are called is not told', () => {
    expect(
      messages({ volumes: [{ secret: { secretName: 'reviews-keyz' } }] }, named('Secret', 'reviews-keys')),
    ).toMatchInlineSnapshot(`
      [
        "there is no Secret "reviews-keyz", which the pods need to start: create it, or name one that exists [reference-exists]",
      ]
    `);
  });

  it('may be optional', () => {
    expect(messages({ volumes: [{ configMap: { name: 'extra', optional: true } }] })).toEqual([]);
  });
});
