import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutVolumes } from './rule.ts';

testRule(rolloutVolumes, import.meta.dirname, {
  'bad-names.yaml': [
    {
      message: 'duplicate',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[1].name',
      at: '14:13',
      text: 'two volumes are named "settings": give each its own name, and mount it by that [rollout-volumes]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[2].name',
      at: '15:13',
      text: 'a volume is named "App_Cache": use one to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit [rollout-volumes]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[3].name',
      at: '16:11',
      text: 'a volume has no name: use one to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit [rollout-volumes]',
    },
  ],
  'bad-no-volume.yaml': [
    {
      message: 'noVolume',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[0].name',
      at: '21:28',
      text: 'container "reviews" mounts the volume "setings", which the pod template does not have (it has "settings"): add it to spec.template.spec.volumes, or mount one that is there [rollout-volumes]',
    },
    {
      message: 'noVolume',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.initContainers[0].volumeMounts[0].name',
      at: '17:28',
      text: 'init container "migrate" mounts the volume "scratch", which the pod template does not have: add it to spec.template.spec.volumes, or mount one that is there [rollout-volumes]',
    },
  ],
  'bad-paths.yaml': [
    {
      message: 'samePath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[1].mountPath',
      at: '20:30',
      text: 'container "reviews" has two volume mounts at /etc/reviews: mount one of them elsewhere [rollout-volumes]',
    },
    {
      message: 'noPath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[2].mountPath',
      at: '21:15',
      text: 'container "reviews" mounts the volume "cache" without a mountPath: say in mountPath where [rollout-volumes]',
    },
  ],
  'good-one-volume-many-mounts.yaml': [],
  'good-workload-ref.yaml': [],
  'bad-sub-paths.yaml': [
    {
      message: 'subPath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[0].subPath',
      at: '17:44',
      text: 'container "reviews" mounts subPath "a/../../b" of the volume "data": write a path within the volume, in one of subPath and subPathExpr, without ".." [rollout-volumes]',
    },
    {
      message: 'subPath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[1].subPath',
      at: '18:44',
      text: 'container "reviews" mounts subPath "/b" of the volume "data": write a path within the volume, in one of subPath and subPathExpr, without ".." [rollout-volumes]',
    },
    {
      message: 'subPath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[2].subPathExpr',
      at: '19:44',
      text: 'container "reviews" mounts subPathExpr "../c" of the volume "data": write a path within the volume, in one of subPath and subPathExpr, without ".." [rollout-volumes]',
    },
    {
      message: 'subPath',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[3].subPathExpr',
      at: '20:56',
      text: 'container "reviews" mounts subPathExpr "$(POD)" of the volume "data" besides a subPath: write a path within the volume, in one of subPath and subPathExpr, without ".." [rollout-volumes]',
    },
    {
      message: 'propagation',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].volumeMounts[4].mountPropagation',
      at: '21:44',
      text: 'container "reviews" mounts the volume "data" with the mountPropagation "Both": write None, HostToContainer or, in a privileged container, Bidirectional [rollout-volumes]',
    },
  ],
  'good-sub-paths.yaml': [],
});
