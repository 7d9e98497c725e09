import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutPodTemplate } from './rule.ts';

testRule(rolloutPodTemplate, import.meta.dirname, {
  'bad-containers.yaml': [
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].name',
      at: '18:11',
      text: 'container "Log_Shipper" has a name that Kubernetes does not take: use at most 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit [rollout-pod-template]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[2].name',
      at: '20:11',
      text: 'container 3 has no name: give it one, of a-z, 0-9 and "-" [rollout-pod-template]',
    },
    {
      message: 'image',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[3].image',
      at: '21:11',
      text: 'container "cache" has no image: name the image it runs [rollout-pod-template]',
    },
    {
      message: 'containerRestartPolicy',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[4].restartPolicy',
      at: '24:11',
      text: 'container "proxy" has a restartPolicy of its own: remove it, or make the container an init container, which with restartPolicy Always is a sidecar [rollout-pod-template]',
    },
    {
      message: 'duplicate',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.initContainers[0].name',
      at: '13:11',
      text: 'two containers are named "reviews": give each its own name; init containers count too [rollout-pod-template]',
    },
  ],
  'bad-labels.yaml': [
    {
      message: 'label',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels["app.kubernetes.io/version"]',
      at: '13:9',
      text: 'the pod template has the label app.kubernetes.io/version="1.4.0+build.7", whose value Kubernetes does not take: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit [rollout-pod-template]',
    },
    {
      message: 'label',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels["owned by"]',
      at: '14:9',
      text: 'the pod template has the label owned by="search", whose key Kubernetes does not take: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit [rollout-pod-template]',
    },
  ],
  'bad-no-containers.yaml': [
    {
      message: 'noContainers',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers',
      at: '12:5',
      text: 'the pod template has no containers: add at least one to spec.template.spec.containers, or name a workload in workloadRef [rollout-pod-template]',
    },
  ],
  'bad-runs-to-an-end.yaml': [
    {
      message: 'deadline',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.activeDeadlineSeconds',
      at: '14:7',
      text: 'the pod template has activeDeadlineSeconds: remove it, because the pods of a Rollout run until they are replaced [rollout-pod-template]',
    },
    {
      message: 'restartPolicy',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.restartPolicy',
      at: '13:7',
      text: 'restartPolicy of the pod template is OnFailure: write Always or leave it out, because the pods of a Rollout run until they are replaced [rollout-pod-template]',
    },
  ],
  'good-sidecars.yaml': [],
  'good-workload-ref.yaml': [],
  'bad-init-restarts.yaml': [
    {
      message: 'initRestartPolicy',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.initContainers[0].restartPolicy',
      at: '13:59',
      text: 'init container "migrate" has the restartPolicy "OnFailure": write Always, which makes it a sidecar, or leave it out [rollout-pod-template]',
    },
  ],
});
