import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests, placeObjects, type SourceObject } from '../world/manifests.ts';
import type { KubeObject } from '../world/object.ts';
import { fieldsOf } from './fields.ts';
import { documentFindings, DOCUMENT_RULES } from './index.ts';
import { schemaOf, schemas } from './models.ts';
import { DEFINITIONS_WITH_FIELDS } from '../world/field-tree.ts';
import { KINDS as KNOWN_KINDS } from '../world/object.ts';

const KINDS = [
  ['argoproj.io/v1alpha1', 'Rollout'],
  ['argoproj.io/v1alpha1', 'AnalysisTemplate'],
  ['argoproj.io/v1alpha1', 'ClusterAnalysisTemplate'],
  ['argoproj.io/v1alpha1', 'Experiment'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1beta1', 'VirtualService'],
  ['networking.istio.io/v1alpha3', 'VirtualService'],
  ['networking.istio.io/v1', 'DestinationRule'],
  ['networking.istio.io/v1beta1', 'DestinationRule'],
  ['networking.istio.io/v1alpha3', 'DestinationRule'],
  ['gateway.networking.k8s.io/v1', 'HTTPRoute'],
  ['gateway.networking.k8s.io/v1beta1', 'HTTPRoute'],
  ['gateway.networking.k8s.io/v1', 'GRPCRoute'],
  ['gateway.networking.k8s.io/v1alpha2', 'GRPCRoute'],
  ['gateway.networking.k8s.io/v1alpha2', 'TCPRoute'],
  ['gateway.networking.k8s.io/v1', 'TLSRoute'],
  ['gateway.networking.k8s.io/v1alpha2', 'TLSRoute'],
  ['gateway.networking.k8s.io/v1alpha3', 'TLSRoute'],
  ['v1', 'Service'],
  ['apps/v1', 'Deployment'],
  ['networking.k8s.io/v1', 'Ingress'],
] as const;

function sourceOf(object: KubeObject): SourceObject {
  return { object, file: 'a.yaml', document: 0, position: () => ({ line: 1, column: 1 }) };
}

function findingsOf(object: KubeObject): string[] {
  const sources = [sourceOf(object)];
  return documentFindings({ objects: sources, errors: [], duplicateKeys: [] }, sources).map(
    ({ rule, messageId }) => `${rule} ${messageId}`,
  );
}

describe('checks of documents', () => {
  it('have a schema for exactly the custom resources whose definitions are read from a cluster', () => {
    const custom = new Set(
      schemas().flatMap(({ apiVersion, kind, custom: is }) => (is ? [`${kind}.${apiVersion.split('/')[0]}`] : [])),
    );
    const names = Object.values(KNOWN_KINDS).filter(({ kind, group }) => custom.has(`${kind}.${group}`));
    expect(names.map(({ plural, group }) => `${plural}.${group}`).toSorted()).toEqual(
      [...DEFINITIONS_WITH_FIELDS].toSorted(),
    );
  });

  it('are sorted by id', () => {
    const ids = DOCUMENT_RULES.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
  });

  it.each(KINDS)('hold %s %s to its schema', (apiVersion, kind) => {
    expect(findingsOf({ apiVersion, kind, metadata: { name: 'cart', labels: { app: true } }, spec: {} })).toContain(
      'schema unquoted',
    );
    const schema = schemaOf(apiVersion, kind);
    expect(schema && [...fieldsOf(schema).keys()].length).toBeGreaterThan(10);
  });

  it('hold whatever it is to a schema, and end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.object({ withNullPrototype: true, maxDepth: 4 }),
        fc.object({ maxDepth: 4 }),
        ([apiVersion, kind], whole, spec) => {
          findingsOf({ ...whole, apiVersion, kind, metadata: { name: 'cart' }, spec });
          findingsOf({
            apiVersion,
            kind,
            metadata: { name: 'cart' },
            spec: { ...spec, strategy: whole, http: [whole], rules: [spec], metrics: [whole], template: whole },
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('say of an object that is too large that it was not checked', () => {
    const steps = Array.from({ length: 20_000 }, () => ({ setWeight: 'x' }));
    expect(
      findingsOf({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Rollout',
        metadata: { name: 'cart' },
        spec: { strategy: { canary: { steps } } },
      }),
    ).toEqual(['schema large']);
  });

  it('stop telling of one object after a thousand findings of a class, and none of another class is lost', () => {
    const canary = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`unheardOf${index}`, 1]));
    const found = findingsOf({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'cart' },
      spec: { strategy: { canary }, replicas: 'x' },
    });
    expect(found.filter((entry) => entry === 'unknown-field unknown')).toHaveLength(1_000);
    expect(found).toContain('schema type');
  });

  it('know where each field of a kind stands, but for pod templates', () => {
    const rollout = schemaOf('argoproj.io/v1alpha1', 'Rollout');
    const fields = rollout === undefined ? new Map<string, string[]>() : fieldsOf(rollout);
    expect(fields.get('workloadRef')).toEqual(['spec']);
    expect(fields.get('setWeight')).toEqual(['spec.strategy.canary.steps[]']);
    expect(fields.get('autoPromotionEnabled')).toEqual(['spec.strategy.blueGreen']);
    expect(fields.get('imagePullPolicy')).toBeUndefined();
    expect(fields.get('currentPodHash')).toBeUndefined();
  });

  it('are about the very object that is checked', () => {
    const manifests = parseManifests(
      'apiVersion: v1\nkind: Service\nmetadata: { name: cart, name: cart }\nspec: { type: 5 }',
      'a.yaml',
    );
    const { sources } = placeObjects(manifests.objects, { namespace: 'shop' });
    const findings = documentFindings(manifests, sources);
    expect(findings.map(({ rule, object }) => [rule, object.metadata.namespace])).toEqual([
      ['duplicate-key', 'shop'],
      ['schema', 'shop'],
    ]);
    for (const { object, subject } of findings)
      expect([object, subject]).toEqual([sources[0]?.object, sources[0]?.object]);
  });
});
