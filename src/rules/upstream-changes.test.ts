import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleWorld, parseManifests, placeObjects } from '../world/manifests.ts';
import { parseVersion, SUPPORTED_VERSIONS } from '../world/rollouts-versions.ts';
import { evaluate } from './engine.ts';
import { RULES } from './index.ts';

function classesOf(fixture: string, messageId: string, version: string | undefined, plugin?: string): string[] {
  const text = readFileSync(join(import.meta.dirname, `${fixture}.yaml`), 'utf8');
  const { sources } = placeObjects(parseManifests(text, fixture).objects);
  const objects = sources.map(({ object }) => object);
  const range = version === undefined ? SUPPORTED_VERSIONS : parseVersion(version);
  const gatewayPlugin = plugin === undefined ? undefined : parseVersion(plugin);
  if (range === undefined) throw new Error(`${version} is not a version`);
  const versions = gatewayPlugin === undefined ? range : { ...range, gatewayPlugin };
  const rule = RULES.filter(({ id }) => fixture.startsWith(`${id}/`));
  const { findings } = evaluate(bundleWorld(objects, { versions: () => versions }), objects, rule);
  return [...new Set(findings.filter((finding) => finding.messageId === messageId).map((finding) => finding.class))];
}

describe('the version of the Gateway API plugin', () => {
  it.each([
    ['gateway-route-version/fixtures/bad-v1-routes', 'notAlpha'],
    ['managed-route-effect/fixtures/bad-plugin-mirror-route', 'mirror'],
  ])('%s: %s is said up to the newest known one, and if it is unknown', (fixture, messageId) => {
    const said = ['0.8', '0.15.0', '0.15', '0.16.0', '1.0'].filter(
      (plugin) => classesOf(fixture, messageId, '1.10', plugin).length > 0,
    );
    expect(said).toEqual(['0.8', '0.15.0', '0.15']);
    expect(classesOf(fixture, messageId, '1.10')).toEqual(['advice']);
  });
});

// What each release says, then what is said if the release is not known.
describe('a change of Argo Rollouts', () => {
  it.each<[fixture: string, messageId: string, said: Readonly<Record<string, string[]>>, unknown: string[]]>([
    [
      'rollout-security-context/fixtures/bad-privileged-without-escalation',
      'privilegedEscalation',
      { '1.9': [], '1.10.0': [], '1.10.1': ['invalid'], '1.10': ['advice'] },
      ['advice'],
    ],
    [
      'rollout-volumes/fixtures/bad-bidirectional-mounts',
      'privilegedBidirectional',
      { '1.9': ['invalid'], '1.10.0': ['invalid'], '1.10.1': [] },
      ['advice'],
    ],
    [
      'rollout-volumes/fixtures/bad-bidirectional-mounts',
      'bidirectional',
      { '1.9': ['invalid'], '1.10.1': ['invalid'] },
      ['invalid'],
    ],
    [
      'analysis-placeholders/fixtures/bad-request-timeout',
      'undeclared',
      { '1.9': ['invalid'], '1.10': ['invalid'] },
      ['invalid', 'advice'],
    ],
    [
      'analysis-metrics/fixtures/bad-request-timeout',
      'noRequestTimeout',
      { '1.9': ['advice'], '1.10': [] },
      ['advice'],
    ],
    ['analysis-metrics/fixtures/bad-request-timeout', 'requestTimeout', { '1.9': [], '1.10': ['advice'] }, ['advice']],
    [
      'reference-exists/fixtures/bad-former-traefik-group',
      'traefikGroup',
      { '1.9': [], '1.10': ['advice'] },
      ['advice'],
    ],
    ['managed-route-effect/fixtures/bad-plugin-mirror-route', 'mirror', { '1.9': [], '1.10': ['advice'] }, ['advice']],
    ['analysis-condition/fixtures/bad-versions', 'broken', { '1.9': ['invalid'], '1.10': ['invalid'] }, ['advice']],
    ['analysis-condition/fixtures/bad-versions', 'equality', { '1.9': ['advice'], '1.10': [] }, ['advice']],
    ['rollout-counts/fixtures/bad-min-pods', 'minPods', { '1.9': ['advice'], '1.10': [] }, ['advice']],
    ['reference-exists/fixtures/good-traefik-group', 'traefikGroup', { '1.9': ['advice'], '1.10': [] }, []],
    [
      'rollout-services/fixtures/bad-ping-pong-with-a-plugin',
      'pingPongRouter',
      { '1.9': ['invalid'], '1.10': [] },
      ['advice'],
    ],
  ])('%s: %s', (fixture, messageId, said, unknown) => {
    expect(
      Object.fromEntries(Object.keys(said).map((version) => [version, classesOf(fixture, messageId, version)])),
    ).toEqual(said);
    expect(classesOf(fixture, messageId, undefined).toSorted()).toEqual(unknown.toSorted());
  });
});
