import { describe, expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { bundleWorld } from '../../world/manifests.ts';
import type { KubeObject } from '../../world/object.ts';
import { parseVersion, SUPPORTED_VERSIONS } from '../../world/rollouts-versions.ts';
import { evaluate } from '../engine.ts';
import { renderMessage } from '../finding.ts';
import { managedRouteClash } from './rule.ts';

testRule(managedRouteClash, import.meta.dirname);

describe('a VirtualService that versions of Argo Rollouts find under different names', () => {
  // 1.9 reads web in shop, 1.10 web.shop in svc.
  const rollout: KubeObject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      strategy: {
        canary: {
          trafficRouting: {
            managedRoutes: [{ name: 'primary' }, { name: 'beta' }],
            istio: { virtualService: { name: 'web.shop.svc', routes: ['primary'] } },
          },
        },
      },
    },
  };
  const virtualService: KubeObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { http: [{ name: 'beta', route: [{ destination: { host: 'a' } }, { destination: { host: 'b' } }] }] },
  };
  const said = (version?: string): string[] => {
    const versions = version === undefined ? SUPPORTED_VERSIONS : parseVersion(version);
    const world = bundleWorld([rollout, virtualService], { versions: () => versions ?? SUPPORTED_VERSIONS });
    return evaluate(world, [rollout], [managedRouteClash]).findings.map(
      (finding) => `${finding.class}: ${renderMessage(finding)}`,
    );
  };

  it('is judged as the known version reads it', () => {
    expect(said('1.9')).toEqual([
      expect.stringMatching(/^invalid: route "primary" is in both .* from VirtualService "web"$/),
      expect.stringMatching(/^invalid: http route "beta" of VirtualService "web" is in managedRoutes/),
    ]);
    expect(said('1.10')).toEqual([
      expect.stringMatching(/^invalid: route "primary" is in both .* from VirtualService "web.shop"$/),
    ]);
  });

  it('is advice that names the versions if the version is not known', () => {
    expect(said()).toEqual([
      expect.stringMatching(/^advice: with Argo Rollouts before 1\.10, route "primary" is in both .* "web"$/),
      expect.stringMatching(
        /^advice: with Argo Rollouts before 1\.10, http route "beta" of VirtualService "web" is in managedRoutes/,
      ),
      expect.stringMatching(/^advice: with .*1\.10.*, route "primary" is in both .* "web.shop"$/),
    ]);
  });
});
