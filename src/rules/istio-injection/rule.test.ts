import { testRule } from '../../../test/support/rule-tester.ts';
import { istioInjection } from './rule.ts';

testRule(istioInjection, import.meta.dirname, {
  'bad-nobody-asks-for-a-sidecar.yaml': [
    {
      message: 'noSidecar',
      object: 'Deployment shop/ratings',
      path: 'spec.template.metadata.labels',
      at: '77:7',
      text: 'the pods of Rollout "ratings" get no Istio sidecar: neither namespace "shop" nor the pod template asks for one: label the namespace with istio-injection=enabled (or its revision, istio.io/rev), or the pod template with sidecar.istio.io/inject=true [istio-injection]',
    },
    {
      message: 'noSidecar',
      object: 'Rollout legacy/details',
      path: 'spec.template.metadata.labels',
      at: '97:7',
      text: 'the pods of Rollout "details" get no Istio sidecar: neither namespace "legacy" nor the pod template asks for one: label the namespace with istio-injection=enabled (or its revision, istio.io/rev), or the pod template with sidecar.istio.io/inject=true [istio-injection]',
    },
    {
      message: 'noSidecar',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels',
      at: '18:7',
      text: 'the pods of Rollout "reviews" get no Istio sidecar: neither namespace "shop" nor the pod template asks for one: label the namespace with istio-injection=enabled (or its revision, istio.io/rev), or the pod template with sidecar.istio.io/inject=true [istio-injection]',
    },
  ],
  'bad-template-opts-out.yaml': [
    {
      message: 'optedOut',
      object: 'Rollout shop/ratings',
      path: 'spec.template.metadata.labels["sidecar.istio.io/inject"]',
      at: '46:31',
      text: 'the pods of Rollout "ratings" get no Istio sidecar: their template says sidecar.istio.io/inject=false: remove it from the pod template [istio-injection]',
    },
    {
      message: 'optedOut',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.annotations["sidecar.istio.io/inject"]',
      at: '18:22',
      text: 'the pods of Rollout "reviews" get no Istio sidecar: their template says sidecar.istio.io/inject=false: remove it from the pod template [istio-injection]',
    },
  ],
  'bad-two-revisions.yaml': [
    {
      message: 'revision',
      object: 'DestinationRule shop/reviews',
      path: 'metadata.labels["istio.io/rev"]',
      at: '48:13',
      text: 'VirtualService "reviews" is for Istio revision "1-26-2", DestinationRule "reviews" for Istio revision "1-27-0": give both the same label istio.io/rev, or neither [istio-injection]',
    },
    {
      message: 'revision',
      object: 'DestinationRule shop/reviews',
      path: 'metadata.labels["istio.io/rev"]',
      at: '48:13',
      text: 'VirtualService "reviews-public" is for every revision of Istio, DestinationRule "reviews" for Istio revision "1-27-0": give both the same label istio.io/rev, or neither [istio-injection]',
    },
  ],
  'good-ambient.yaml': [],
  'good-namespace-not-known.yaml': [{ skipped: 'Namespace shop: not among these manifests' }],
  'good-one-revision.yaml': [],
  'good-pod-by-pod.yaml': [],
});
