import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutPodSettings } from './rule.ts';

testRule(rolloutPodSettings, import.meta.dirname, {
  'bad-settings.yaml': [
    {
      message: 'annotation',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.annotations["the owner"]',
      at: '13:9',
      text: 'the pod template has the annotation "the owner", a key that Kubernetes does not take: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit; a DNS name and "/" may stand before it [rollout-pod-settings]',
    },
    {
      message: 'policy',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].imagePullPolicy',
      at: '23:11',
      text: 'container "reviews" has the imagePullPolicy "always": write one of Always, IfNotPresent, Never, or leave it out [rollout-pod-settings]',
    },
    {
      message: 'policy',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].terminationMessagePolicy',
      at: '24:11',
      text: 'container "reviews" has the terminationMessagePolicy "Logs": write one of File, FallbackToLogsOnError, or leave it out [rollout-pod-settings]',
    },
    {
      message: 'nodeSelector',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.nodeSelector.zone',
      at: '19:9',
      text: 'the pod template asks for nodes with the label zone="the first", whose value Kubernetes does not take: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit [rollout-pod-settings]',
    },
    {
      message: 'nodeSelector',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.nodeSelector["disk type"]',
      at: '18:9',
      text: 'the pod template asks for nodes with the label disk type="ssd", whose key Kubernetes does not take: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit [rollout-pod-settings]',
    },
    {
      message: 'serviceAccount',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.serviceAccountName',
      at: '16:7',
      text: 'the pod template runs as the service account "Reviews", which no ServiceAccount can be called: use a-z, 0-9, "-" and ".", beginning and ending with a letter or digit [rollout-pod-settings]',
    },
  ],
  'good-settings.yaml': [],
  'bad-pull-secrets.yaml': [
    {
      message: 'pullSecret',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.imagePullSecrets[2]',
      at: '15:11',
      text: 'the pod template lists the imagePullSecret "registry" twice: list it once, because its name is the key of the list [rollout-pod-settings]',
    },
  ],
});
