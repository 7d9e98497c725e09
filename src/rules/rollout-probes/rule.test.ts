import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutProbes } from './rule.ts';

testRule(rolloutProbes, import.meta.dirname, {
  'bad-counts.yaml': [
    {
      message: 'count',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].livenessProbe.successThreshold',
      at: '16:13',
      text: 'livenessProbe of container "reviews" has successThreshold 3: write 1 or leave it out [rollout-probes]',
    },
    {
      message: 'count',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe.periodSeconds',
      at: '19:13',
      text: 'readinessProbe of container "reviews" has periodSeconds -1: write 0 or more [rollout-probes]',
    },
  ],
  'bad-handlers.yaml': [
    {
      message: 'handler',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].livenessProbe',
      at: '16:11',
      text: 'livenessProbe of container "reviews" has no handler: give it exactly one of httpGet, tcpSocket, exec and grpc [rollout-probes]',
    },
    {
      message: 'handler',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe',
      at: '18:11',
      text: 'readinessProbe of container "reviews" has httpGet and tcpSocket: give it exactly one of httpGet, tcpSocket, exec and grpc [rollout-probes]',
    },
    {
      message: 'command',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].startupProbe.exec.command',
      at: '22:13',
      text: 'startupProbe of container "reviews" runs no command: list the command and its arguments in exec.command [rollout-probes]',
    },
  ],
  'bad-init-container.yaml': [
    {
      message: 'initContainer',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.initContainers[0].livenessProbe',
      at: '15:11',
      text: 'init container "migrate" has a livenessProbe, and runs to its end before the others start: remove the probe, or make it a sidecar with restartPolicy: Always [rollout-probes]',
    },
  ],
  'bad-ports.yaml': [
    {
      message: 'port',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].livenessProbe.httpGet.port',
      at: '18:37',
      text: 'livenessProbe of container "reviews" asks at the port "8080": write a number from 1 to 65535 without quotes, or the name of a port of the container [rollout-probes]',
    },
    {
      message: 'undeclaredPort',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe.httpGet.port',
      at: '20:38',
      text: 'readinessProbe of container "reviews" asks at the port "web", which the container does not declare, so it never succeeds: name a port of the container ("http"), or write the number [rollout-probes]',
    },
    {
      message: 'port',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].startupProbe.tcpSocket.port',
      at: '22:26',
      text: 'startupProbe of container "reviews" asks at no port: write a number from 1 to 65535 without quotes, or the name of a port of the container [rollout-probes]',
    },
    {
      message: 'port',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].livenessProbe.grpc.port',
      at: '26:21',
      text: 'livenessProbe of container "proxy" asks at the port 0: write a number from 1 to 65535 without quotes, or the name of a port of the container [rollout-probes]',
    },
    {
      message: 'undeclaredPort',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].readinessProbe.httpGet.port',
      at: '28:24',
      text: 'readinessProbe of container "proxy" asks at the port "admin", which the container does not declare, so it never succeeds: name a port of the container (it declares none by name), or write the number [rollout-probes]',
    },
    {
      message: 'scheme',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].readinessProbe.httpGet.scheme',
      at: '28:37',
      text: 'readinessProbe of container "proxy" has the scheme "https": write HTTP or HTTPS, in capitals [rollout-probes]',
    },
  ],
  'good-every-handler.yaml': [],
  'good-undeclared-number.yaml': [],
  'bad-grace-and-headers.yaml': [
    {
      message: 'count',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].livenessProbe.periodSeconds',
      at: '21:13',
      text: 'livenessProbe of container "reviews" has periodSeconds 3000000000 (-1294967296 in 32 bits): write 0 or more [rollout-probes]',
    },
    {
      message: 'grace',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].livenessProbe.terminationGracePeriodSeconds',
      at: '20:13',
      text: 'livenessProbe of container "reviews" has terminationGracePeriodSeconds 0: write 1 or more, or leave it out [rollout-probes]',
    },
    {
      message: 'header',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe.httpGet.httpHeaders[0].name',
      at: '18:50',
      text: 'readinessProbe of container "reviews" sends a header named "X Shop": use letters, digits and "-" [rollout-probes]',
    },
    {
      message: 'header',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe.httpGet.httpHeaders[1].name',
      at: '18:78',
      text: 'readinessProbe of container "reviews" sends a header without a name: use letters, digits and "-" [rollout-probes]',
    },
    {
      message: 'grace',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].readinessProbe.terminationGracePeriodSeconds',
      at: '17:13',
      text: 'readinessProbe of container "reviews" has terminationGracePeriodSeconds 5: remove it, or put it into the livenessProbe [rollout-probes]',
    },
  ],
  'good-grace-and-headers.yaml': [],
});
