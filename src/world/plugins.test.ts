import { describe, expect, it } from 'vitest';
import { routerPlugins, routerPluginVersions } from './plugins.ts';
import { rangeText } from './rollouts-versions.ts';

const configMap = (data: unknown): Parameters<typeof routerPlugins>[0] => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argo-rollouts-config', namespace: 'argo-rollouts' },
  data,
});

describe('routerPlugins', () => {
  it('lists names', () => {
    expect(
      routerPlugins(
        configMap({ trafficRouterPlugins: '- name: a/b\n  location: file:///b\n- { name: c/d }\n- nameless\n' }),
      ),
    ).toEqual(['a/b', 'c/d']);
  });

  it('is empty where there is no list', () => {
    expect(routerPlugins(configMap({}))).toEqual([]);
    expect(routerPlugins(configMap({ trafficRouterPlugins: '' }))).toEqual([]);
    expect(routerPlugins(configMap(['not', 'a', 'map']))).toEqual([]);
  });

  it.each([
    ['broken', '- name: [unclosed'],
    ['no list', 'name: a/b'],
    ['multiplied by aliases', 'a: &a [x, x]\nb: [*a, *a]'],
    ['nested beyond measure', '['.repeat(100_000)],
    ['nested in one line', '- '.repeat(1_000)],
    ['nested line by line', Array.from({ length: 600 }, (_entry, indent) => `${' '.repeat(indent)}-`).join('\n')],
    ['nested by complex keys', '? '.repeat(200)],
    ['too long', '- name: a/b\n'.repeat(2_000)],
  ])('is unknown where the text is %s', (_, text) => {
    expect(routerPlugins(configMap({ trafficRouterPlugins: text }))).toBeUndefined();
  });
});

describe('routerPluginVersions', () => {
  const RELEASES = 'https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi/releases/download';
  it.each([
    ['the address of a release', `${RELEASES}/v0.15.0/gatewayapi-plugin-linux-amd64`, '0.15.0'],
    ['a mirror of releases', 'http://files.example.com/gateway/0.8.0/plugin', '0.8.0'],
    ['a file', 'file:///plugins/v0.15.0/gateway', undefined],
    ['an address without a version', 'https://example.com/latest/plugin', undefined],
    ["a build of one's own", `${RELEASES}/v0.15.0-acme/plugin`, undefined],
    ['two versions', 'https://example.com/v1.9.3/v0.15.0/plugin', undefined],
  ])('reads %s', (_, location, version) => {
    const plugins = `- { name: a/b, location: "${location}" }\n- { name: c/d, location: "${RELEASES}/v9.9.9/x" }`;
    const [found, ...others] = routerPluginVersions(configMap({ trafficRouterPlugins: plugins }), 'a/b');
    expect(found === undefined ? undefined : rangeText(found)).toBe(version);
    expect(others).toEqual([]);
  });

  it('is empty without that plugin, and where the text is invalid', () => {
    expect(routerPluginVersions(configMap({ trafficRouterPlugins: '- name: a/b' }), 'c/d')).toEqual([]);
    expect(routerPluginVersions(configMap({ trafficRouterPlugins: '- name: [unclosed' }), 'a/b')).toEqual([]);
  });
});
