import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutContainerPorts } from './rule.ts';

testRule(rolloutContainerPorts, import.meta.dirname, {
  'bad-names.yaml': [
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[0].name',
      at: '17:17',
      text: 'container "reviews" has a port named "prometheus-metrics": use at most 15 of a-z, 0-9 and single "-" in between, with one letter at least [rollout-container-ports]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[1].name',
      at: '18:17',
      text: 'container "reviews" has a port named "HTTP": use at most 15 of a-z, 0-9 and single "-" in between, with one letter at least [rollout-container-ports]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[2].name',
      at: '19:17',
      text: 'container "reviews" has a port named "8443": use at most 15 of a-z, 0-9 and single "-" in between, with one letter at least [rollout-container-ports]',
    },
    {
      message: 'sameName',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[4].name',
      at: '21:17',
      text: 'container "reviews" has two ports named "grpc": give each its own name [rollout-container-ports]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[5].name',
      at: '22:17',
      text: 'container "reviews" has a port named "a--b": use at most 15 of a-z, 0-9 and single "-" in between, with one letter at least [rollout-container-ports]',
    },
  ],
  'bad-numbers.yaml': [
    {
      message: 'sameNumber',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[1].containerPort',
      at: '18:32',
      text: 'container "reviews" has port 8080/TCP twice: list it once, under one name; several Services can use it [rollout-container-ports]',
    },
    {
      message: 'number',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[2].containerPort',
      at: '19:30',
      text: 'container "reviews" has the containerPort 80800: write a number from 1 to 65535 [rollout-container-ports]',
    },
    {
      message: 'number',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[3].containerPort',
      at: '20:15',
      text: 'container "reviews" has a port without containerPort: write a number from 1 to 65535 [rollout-container-ports]',
    },
    {
      message: 'number',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[4].containerPort',
      at: '21:15',
      text: 'container "reviews" has a port without containerPort: write a number from 1 to 65535 [rollout-container-ports]',
    },
    {
      message: 'number',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[5].hostPort',
      at: '22:50',
      text: 'container "reviews" has the hostPort 70000: write a number from 1 to 65535 [rollout-container-ports]',
    },
    {
      message: 'protocol',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[6].protocol',
      at: '23:47',
      text: 'container "reviews" has a port with the protocol "udp": write TCP, UDP or SCTP [rollout-container-ports]',
    },
  ],
  'good-none.yaml': [],
  'good-protocols-and-containers.yaml': [],
  'bad-host-ports.yaml': [
    {
      message: 'sameHostPort',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[1].hostPort',
      at: '18:38',
      text: 'container "reviews" has the hostPort 80 twice: give each port its own hostPort, or leave hostPort out [rollout-container-ports]',
    },
    {
      message: 'number',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].ports[2].hostPort',
      at: '19:38',
      text: 'container "reviews" has the hostPort 4294967295 (-1 in 32 bits): write a number from 1 to 65535 [rollout-container-ports]',
    },
  ],
  'good-host-ports.yaml': [],
});
