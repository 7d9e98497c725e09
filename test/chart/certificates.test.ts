import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { CHART, template } from '../../scripts/helm.ts';
import { failure, objectOf, objects } from '../support/helm.ts';

/** Returns the arguments that set values of `certificates`. */
function certificates(...values: string[]): string[] {
  return values.flatMap((value) => ['--set', `certificates.${value}`]);
}

describe('certificates of the chart', () => {
  it.each<[string, string, ...string[]]>([
    ['certificates.mode=existing: set certificates.existingSecret', 'mode=existing'],
    ['certificates.mode=existing: set certificates.caBundle', 'mode=existing', 'existingSecret=s'],
    ['issuerRef has no effect', 'mode=existing', 'existingSecret=s', 'caBundle=PEM', 'certManager.issuerRef.name=ca'],
    ['issuerRef has no effect', 'mode=self', 'certManager.issuerRef.name=ca'],
    ['certificates.existingSecret has no effect without certificates.mode=existing', 'mode=self', 'existingSecret=s'],
    ['certificates.existingSecret has no effect', 'existingSecret=s', 'caBundle=PEM'],
    ['certificates.caBundle has no effect', 'caBundle=PEM'],
    ['/certificates/mode', 'mode=openssl'],
    ["additional properties 'enabled' not allowed", 'certManager.enabled=false'],
  ])('says "%s" for certificates.%s', (message, ...values) => {
    expect(failure(...certificates(...values))).toContain(message);
  });

  it('says what to set if the cluster has no cert-manager, and needs it for no other mode', () => {
    const withoutCertManager = (...args: string[]): string => template({ certManager: false }, ...args).stderr;
    expect(withoutCertManager()).toContain(
      'the cluster does not serve cert-manager.io/v1. Install cert-manager first, or set certificates.mode=self. For helm template, add --api-versions cert-manager.io/v1',
    );
    expect(withoutCertManager(...certificates('mode=self'))).toBe('');
    expect(withoutCertManager(...certificates('mode=existing', 'existingSecret=s', 'caBundle=PEM'))).toBe('');
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
        const pod = dig(objectOf(rendered, 'Deployment'), 'spec', 'template', 'spec');
        const configuration = objectOf(rendered, 'ValidatingWebhookConfiguration');
        return [
          mode,
          {
            options: asArray(dig(asArray(dig(pod, 'containers'))[0], 'args')).filter((arg) =>
              /cert|webhook-conf/.test(asString(arg)),
            ),
            secrets: asArray(dig(pod, 'volumes')).flatMap((volume) => dig(volume, 'secret', 'secretName') ?? []),
            injected: dig(configuration, 'metadata', 'annotations', 'cert-manager.io/inject-ca-from'),
            bundle: dig(asArray(dig(configuration, 'webhooks'))[0], 'clientConfig', 'caBundle'),
            kinds: ['Certificate', 'Secret'].filter((name) => objectOf(rendered, name) !== undefined),
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
    expect(objectOf(rendered, 'Secret')).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'rollgate-certificates',
        namespace: 'rollgate',
        labels: dig(objectOf(rendered, 'Service'), 'metadata', 'labels'),
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
      objectOf(rendered, 'ValidatingWebhookConfiguration'),
      'metadata',
      'annotations',
      'cert-manager.io/inject-ca-from',
    );
    expect(injected).toBe('rollgate/rollgate');
    expect(
      objects(...certificates('certManager.issuerRef.name=ca', 'certManager.issuerRef.kind=ClusterIssuer')).filter(
        (value) => dig(value, 'kind') === 'Issuer',
      ),
    ).toEqual([]);
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
