import { describe, expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { bundleWorld } from '../../world/manifests.ts';
import type { KubeObject } from '../../world/object.ts';
import { evaluate } from '../engine.ts';
import { renderText } from '../finding.ts';
import { referenceExists } from './rule.ts';

testRule(referenceExists, import.meta.dirname, {
  'bad-analysis-templates.yaml': [
    {
      message: 'absent',
      object: 'AnalysisTemplate shop/success-rate',
      path: 'spec.templates[0].templateName',
      at: '26:17',
      text: 'there is no AnalysisTemplate "error-budget": create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Experiment shop/compare',
      path: 'spec.analyses[0].templateName',
      at: '43:31',
      text: 'there is no AnalysisTemplate "baseline": create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.analysis.templates[0].templateName',
      at: '14:23',
      text: 'there is no AnalysisTemplate "sucess-rate": create it, or name one that exists (is "success-rate" meant?) [reference-exists]',
    },
    {
      message: 'otherScope',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].analysis.templates[1].templateName',
      at: '20:17',
      text: 'there is no AnalysisTemplate "latency", but there is a ClusterAnalysisTemplate of that name: set clusterScope: true beside templateName [reference-exists]',
    },
    { skipped: 'ClusterAnalysisTemplate latency-of-node: not among these manifests' },
  ],
  'bad-gateway-routes.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].grpcRoutes[0].name',
      at: '18:28',
      text: 'there is no GRPCRoute "reviews-grpc" in namespace "gateways" to set weights in: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRoute',
      at: '17:13',
      text: 'there is no HTTPRoute "reviews" in namespace "gateways" to set weights in: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].tcpRoutes[0].name',
      at: '19:27',
      text: 'there is no TCPRoute "reviews-tcp" in namespace "gateways" to set weights in: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].tlsRoutes[0].name',
      at: '20:27',
      text: 'there is no TLSRoute "reviews-tls" in namespace "gateways" to set weights in: create it, or name one that exists [reference-exists]',
    },
  ],
  'bad-istio.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.name',
      at: '19:13',
      text: 'there is no DestinationRule "reviews" to set subsets in: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'dotted',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[0].name',
      at: '16:15',
      text: 'there is no VirtualService "reviews" in namespace "example", which is how "reviews.example" is read: create it there; a VirtualService whose own name has a dot cannot be named in a Rollout [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[1].name',
      at: '17:15',
      text: 'there is no VirtualService "revews" to set weights in: create it, or name one that exists (is "reviews" meant?) [reference-exists]',
    },
  ],
  'bad-other-routers.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.ambassador.mappings[0]',
      at: '13:34',
      text: 'there is no Mapping "reviews-mapping" to route with: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.apisix.route.name',
      at: '15:28',
      text: 'there is no ApisixRoute "reviews-route" to route with: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.appMesh.virtualService.name',
      at: '16:38',
      text: 'there is no VirtualService "reviews-mesh" to route with: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName',
      at: '14:20',
      text: 'there is no TraefikService "reviews-weighted" to route with: create it, or name one that exists [reference-exists]',
    },
  ],
  'bad-services-and-ingress.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableService',
      at: '13:7',
      text: 'there is no stable Service "reviews-stabel": create it, or name one that exists (is "reviews-stable" meant?) [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb.ingress',
      at: '17:11',
      text: 'there is no Ingress "reviews" to route with: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb.rootService',
      at: '18:11',
      text: 'there is no root Service "reviews-root": create it, or name one that exists [reference-exists]',
    },
  ],
  'bad-workloads.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/details',
      path: 'spec.workloadRef.name',
      at: '20:53',
      text: 'there is no PodTemplate "details" to take the pod template from: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/ratings',
      path: 'spec.workloadRef.name',
      at: '13:57',
      text: 'there is no ReplicaSet "ratings" to take the pod template from: create it, or name one that exists [reference-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.workloadRef.name',
      at: '6:57',
      text: 'there is no Deployment "review" to take the pod template from: create it, or name one that exists (is "reviews" meant?) [reference-exists]',
    },
  ],
  'bad-nested-templates.yaml': [
    {
      message: 'nested',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].analysis.templates',
      at: '19:13',
      text: 'ClusterAnalysisTemplate "common", which the analysis step uses, combines AnalysisTemplate "latency", and namespace "shop" has none of that name: create it there, or take it out of spec.templates of the ClusterAnalysisTemplate [reference-exists]',
    },
  ],
  'good-all-there.yaml': [{ skipped: 'Secret shop/reviews-keys: not among these manifests' }],
  'good-other-namespace.yaml': [{ skipped: 'ServiceAccount shop/reviews: not among these manifests' }],
});

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
    expect(messages({ containers: [{ env }] }, named('ConfigMap', 'reviews-settings'))).toEqual([
      'there is no ConfigMap "reviews-setings", which the pods need to start: create it, or name one that exists (is "reviews-settings" meant?) [reference-exists]',
    ]);
  });

  it('is a ServiceAccount too, unless it is the one every namespace has', () => {
    expect(messages({ serviceAccountName: 'default' })).toEqual([]);
    expect(messages({ serviceAccountName: 'reviews' })).toEqual([
      'there is no ServiceAccount "reviews", which the pods need to start: create it, or name one that exists [reference-exists]',
    ]);
  });

  it('may be a Secret, but what other Secrets are called is not told', () => {
    expect(
      messages({ volumes: [{ secret: { secretName: 'reviews-keyz' } }] }, named('Secret', 'reviews-keys')),
    ).toEqual([
      'there is no Secret "reviews-keyz", which the pods need to start: create it, or name one that exists [reference-exists]',
    ]);
  });

  it('may be optional', () => {
    expect(messages({ volumes: [{ configMap: { name: 'extra', optional: true } }] })).toEqual([]);
  });
});
