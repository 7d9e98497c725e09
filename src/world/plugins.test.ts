import { describe, expect, it } from 'vitest';
import { routerPlugins } from './plugins.ts';

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
