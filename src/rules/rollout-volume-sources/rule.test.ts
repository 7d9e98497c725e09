import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutVolumeSources } from './rule.ts';

testRule(rolloutVolumeSources, import.meta.dirname, {
  'bad-sources.yaml': [
    {
      message: 'several',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0]',
      at: '17:11',
      text: 'the volume "config" is emptyDir and configMap at once: keep one, and make a volume of its own of each other [rollout-volume-sources]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[1].configMap.name',
      at: '22:11',
      text: 'the volume "settings" is a ConfigMap without name: name the ConfigMap in name [rollout-volume-sources]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[2].secret.secretName',
      at: '24:11',
      text: 'the volume "certificates" is a Secret without secretName: name the Secret in secretName [rollout-volume-sources]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[3].persistentVolumeClaim.claimName',
      at: '28:13',
      text: 'the volume "data" is a PersistentVolumeClaim without claimName: name the PersistentVolumeClaim in claimName [rollout-volume-sources]',
    },
    {
      message: 'item',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[4].configMap.items[0]',
      at: '33:17',
      text: 'the volume "files" has an item without a key: give each item a key, and a path below the mount, without ".." [rollout-volume-sources]',
    },
    {
      message: 'item',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[4].configMap.items[1]',
      at: '34:17',
      text: 'the volume "files" has an item without a path for "mode": give each item a key, and a path below the mount, without ".." [rollout-volume-sources]',
    },
    {
      message: 'item',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[4].configMap.items[2]',
      at: '35:17',
      text: 'the volume "files" has an item with the path "../mode": give each item a key, and a path below the mount, without ".." [rollout-volume-sources]',
    },
    {
      message: 'item',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[4].configMap.items[3]',
      at: '37:17',
      text: 'the volume "files" has an item with the path "/etc/mode": give each item a key, and a path below the mount, without ".." [rollout-volume-sources]',
    },
  ],
  'good-one-kind-each.yaml': [],
  'bad-size.yaml': [
    {
      message: 'size',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0].emptyDir.sizeLimit',
      at: '15:23',
      text: 'the volume "cache" has the sizeLimit "512MB": write a quantity of 0 or more, such as 500Mi or 1Gi [rollout-volume-sources]',
    },
    {
      message: 'size',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[1].emptyDir.sizeLimit',
      at: '17:23',
      text: 'the volume "scratch" has the sizeLimit "-1Gi": write a quantity of 0 or more, such as 500Mi or 1Gi [rollout-volume-sources]',
    },
  ],
  'bad-modes.yaml': [
    {
      message: 'mode',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0].configMap.defaultMode',
      at: '18:13',
      text: 'the volume "config" has the defaultMode 644: write the permissions with a leading 0 (0644) or as the number they are (420) [rollout-volume-sources]',
    },
    {
      message: 'mode',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0].configMap.items[0].mode',
      at: '19:46',
      text: 'the volume "config" has the mode 755: write the permissions with a leading 0 (0644) or as the number they are (420) [rollout-volume-sources]',
    },
  ],
  'bad-mode-beyond-32-bits.yaml': [
    {
      message: 'mode',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0].configMap.defaultMode',
      at: '17:39',
      text: 'the volume "config" has the defaultMode 4294967295 (-1 in 32 bits): write the permissions with a leading 0 (0644) or as the number they are (420) [rollout-volume-sources]',
    },
  ],
});
