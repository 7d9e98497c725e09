import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testDocumentCheck } from '../../test/support/document-tester.ts';
import { renderText } from '../rules/finding.ts';
import { fieldsOfDefinition, type InstalledFields } from '../world/field-tree.ts';
import { parseManifests } from '../world/manifests.ts';
import type { JsonObject } from '../world/read.ts';
import { documentFindings } from './index.ts';

testDocumentCheck('unknown-field', join(import.meta.dirname, 'fixtures', 'unknown-field'), ['newer', 'notInstalled']);

const STRING = { type: 'string' };

function installed(spec: JsonObject): InstalledFields {
  const schema = {
    type: 'object',
    properties: { apiVersion: STRING, kind: STRING, metadata: { type: 'object' }, spec },
  };
  return fieldsOfDefinition({
    spec: {
      group: 'networking.istio.io',
      names: { kind: 'DestinationRule' },
      versions: [{ name: 'v1', served: true, schema: { openAPIV3Schema: schema } }],
    },
  });
}

const tls = (properties: JsonObject): JsonObject => ({
  type: 'object',
  properties: {
    host: STRING,
    exportTo: { type: 'array', items: STRING },
    trafficPolicy: { type: 'object', properties: { tls: { type: 'object', properties } } },
  },
});

function textsOf(spec: string, fields?: InstalledFields, apiVersion = 'networking.istio.io/v1'): string[] {
  const yaml = `{apiVersion: ${apiVersion}, kind: DestinationRule, metadata: {name: web}, spec: ${spec}}`;
  const manifests = parseManifests(yaml, 'a.yaml');
  return documentFindings(manifests, manifests.objects, fields)
    .filter(({ rule }) => rule === 'unknown-field')
    .map((finding) => renderText(finding));
}

describe('where the installed CustomResourceDefinition is known', () => {
  const TLS_131 = tls({ mode: STRING, credentialName: STRING });

  it('a field that only newer versions have is reported, with the version that has it', () => {
    const spec = '{host: web, trafficPolicy: {tls: {caCertCredentialName: ca}}}';
    expect(textsOf(spec)).toEqual([]);
    expect(textsOf(spec, installed(TLS_131))).toEqual([
      expect.stringContaining(
        'spec.trafficPolicy.tls has the field "caCertCredentialName", which the installed CustomResourceDefinition does not have: install a version that has it, such as Istio 1.32, or remove it',
      ),
    ]);
  });

  it('a field that Rollgate does not know yet is no noise, and a typo in it is found', () => {
    const next = tls({ mode: STRING, quantum: { type: 'object', properties: { enabled: STRING } } });
    expect(textsOf('{host: web, trafficPolicy: {tls: {quantum: {enabled: x}}}}')).toHaveLength(1);
    expect(textsOf('{host: web, trafficPolicy: {tls: {quantum: {enabled: x}}}}', installed(next))).toEqual([]);
    expect(textsOf('{host: web, trafficPolicy: {tls: {quantum: {enable: x}}}}', installed(next))).toEqual([
      expect.stringContaining(
        'spec.trafficPolicy.tls.quantum has the unknown field "enable" (schema of the installed CustomResourceDefinition): use "enabled"',
      ),
    ]);
  });

  it('a field in the wrong place is sent only to places that are installed', () => {
    expect(textsOf('{host: web, credentialName: a}', installed(TLS_131))).toEqual([
      expect.stringContaining('which belongs in spec.trafficPolicy.tls'),
    ]);
  });

  it('a field that nobody knows is reported with the installed schema', () => {
    expect(textsOf('{host: web, comment: a}', installed(TLS_131))).toEqual([
      expect.stringContaining('schema of the installed CustomResourceDefinition): remove it, or install a version'),
    ]);
  });

  it('other versions of the kind are compared with the newest known', () => {
    const texts = textsOf('{host: web, comment: a}', installed(TLS_131), 'networking.istio.io/v1beta1');
    expect(texts).toEqual([expect.stringContaining('schema of Istio 1.32, the newest that Rollgate knows')]);
  });
});
