import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutLifecycle } from './rule.ts';

testRule(rolloutLifecycle, import.meta.dirname, {
  'bad-hooks.yaml': [
    {
      message: 'handler',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].lifecycle.postStart',
      at: '24:13',
      text: 'postStart of container "reviews" has nothing to do: give it exactly one of exec, httpGet and sleep [rollout-lifecycle]',
    },
    {
      message: 'command',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].lifecycle.preStop.exec.command',
      at: '26:23',
      text: 'preStop of container "reviews" runs no command: list the command and its arguments in exec.command [rollout-lifecycle]',
    },
    {
      message: 'port',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].lifecycle.postStart.httpGet.port',
      at: '31:26',
      text: 'postStart of container "proxy" asks at the port "8080": write a number from 1 to 65535 without quotes, or the name of a port of the container [rollout-lifecycle]',
    },
    {
      message: 'sleep',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].lifecycle.preStop.sleep.seconds',
      at: '33:24',
      text: 'preStop of container "proxy" sleeps for 15 s, and its pod is given 10 s to end: write a number of seconds from 1 to terminationGracePeriodSeconds [rollout-lifecycle]',
    },
    {
      message: 'handler',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[2].lifecycle.preStop',
      at: '37:13',
      text: 'preStop of container "agent" has exec and sleep: give it exactly one of exec, httpGet and sleep [rollout-lifecycle]',
    },
    {
      message: 'initContainer',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.initContainers[0].lifecycle',
      at: '17:11',
      text: 'init container "migrate" has a lifecycle, and runs to its end before the others start: remove lifecycle, or make it a sidecar with restartPolicy: Always [rollout-lifecycle]',
    },
  ],
  'good-hooks.yaml': [],
  'bad-headers.yaml': [
    {
      message: 'header',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].lifecycle.postStart.httpGet.httpHeaders[0].name',
      at: '17:63',
      text: 'postStart of container "reviews" sends a header without a name: use letters, digits and "-" [rollout-lifecycle]',
    },
    {
      message: 'header',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].lifecycle.preStop.httpGet.httpHeaders[0].name',
      at: '16:61',
      text: 'preStop of container "reviews" sends a header named "X_Shop": use letters, digits and "-" [rollout-lifecycle]',
    },
  ],
  'good-headers.yaml': [],
});
