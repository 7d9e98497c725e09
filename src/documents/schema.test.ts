import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck(
  'schema',
  join(import.meta.dirname, 'fixtures', 'schema'),
  {
    'bad-empty-values.yaml': [
      {
        message: 'empty',
        path: 'spec.strategy.canary.steps[1]',
        at: '12:10',
        text: 'spec.strategy.canary.steps[1] must be an object, but is empty: give it a value, or remove the line [schema]',
      },
      {
        message: 'empty',
        path: 'spec.strategy.canary.analysis.args[0].name',
        at: '15:13',
        text: 'spec.strategy.canary.analysis.args[0].name must be a string, but is empty: give it a value, or remove the line [schema]',
      },
    ],
    'bad-nulls-and-fractions.yaml': [
      {
        message: 'dropped',
        path: 'spec.metrics[0].interval',
        at: '8:7',
        text: 'spec.metrics[0].interval is empty, which counts as if it were not there: give it a value, or remove the line [schema]',
      },
      {
        message: 'type',
        path: 'spec.metrics[0].count',
        at: '9:7',
        text: 'spec.metrics[0].count must be a string or a whole number, not the number 0.5: write a string or a whole number there [schema]',
      },
      {
        message: 'empty',
        path: 'spec.metrics[1].name',
        at: '11:7',
        text: 'spec.metrics[1].name must be a string, but is empty: give it a value, or remove the line [schema]',
      },
    ],
    'bad-required-fields.yaml': [
      {
        message: 'required',
        path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
        at: '10:11',
        text: 'spec.strategy.canary.trafficRouting.istio.virtualService needs the field "name": add it [schema]',
      },
      {
        message: 'required',
        path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.stableSubsetName',
        at: '12:11',
        text: 'spec.strategy.canary.trafficRouting.istio.destinationRule needs the field "stableSubsetName": add it [schema]',
      },
      {
        message: 'required',
        path: 'spec.http[0].route[0].destination',
        at: '25:11',
        text: 'spec.http[0].route[0] needs the field "destination": add it [schema]',
      },
    ],
    'bad-service-port-in-quotes.yaml': [
      {
        message: 'quoted',
        path: 'spec.ports[0].port',
        at: '7:7',
        text: 'spec.ports[0].port must be a whole number, not the string "80": remove the quotes [schema]',
      },
    ],
    'bad-steps-as-object.yaml': [
      {
        message: 'type',
        path: 'spec.strategy.canary.steps',
        at: '9:7',
        text: 'spec.strategy.canary.steps must be a list, not an object: write a list there [schema]',
      },
      {
        message: 'type',
        path: 'spec.workloadRef',
        at: '11:3',
        text: 'spec.workloadRef must be an object, not a list: write an object there [schema]',
      },
    ],
    'bad-value-out-of-range.yaml': [
      {
        message: 'value',
        path: 'spec.trafficPolicy.loadBalancer.simple',
        at: '9:7',
        text: 'spec.trafficPolicy.loadBalancer.simple is "ROUNDROBIN" but must be one of UNSPECIFIED, LEAST_CONN, RANDOM, PASSTHROUGH, ROUND_ROBIN, LEAST_REQUEST, as far as Istio 1.29 knows: correct it, unless the version that is installed allows it [schema]',
      },
      {
        message: 'value',
        path: 'spec.rules[0].backendRefs[0].port',
        at: '19:11',
        text: 'spec.rules[0].backendRefs[0].port is 80080 but must be <= 65535, as far as Gateway API 1.5 knows: correct it, unless the version that is installed allows it [schema]',
      },
    ],
    'bad-virtualservice-without-hosts.yaml': [
      {
        message: 'hosts',
        path: 'spec.hosts',
        at: '7:3',
        text: 'VirtualService "cart" has no hosts, but has gateways, which one without hosts must not have: add hosts: the names that clients call, usually the Service [schema]',
      },
      {
        message: 'delegate',
        path: 'spec.hosts',
        at: '19:1',
        text: 'VirtualService "checkout" has no hosts: it does nothing unless another VirtualService delegates to it: add hosts, unless it is such a delegate [schema]',
      },
    ],
    'bad-wrong-types.yaml': [
      {
        message: 'unquoted',
        path: 'metadata.labels.release',
        at: '7:5',
        text: 'metadata.labels.release must be a string, not the number 42: put it in quotes [schema]',
      },
      {
        message: 'quoted',
        path: 'spec.replicas',
        at: '9:3',
        text: 'spec.replicas must be a whole number, not the string "3": remove the quotes [schema]',
      },
      {
        message: 'quoted',
        path: 'spec.strategy.canary.dynamicStableScale',
        at: '14:7',
        text: 'spec.strategy.canary.dynamicStableScale must be true or false, not the string "true": remove the quotes [schema]',
      },
      {
        message: 'type',
        path: 'spec.strategy.canary.maxSurge',
        at: '15:7',
        text: 'spec.strategy.canary.maxSurge must be a string or a whole number, not the boolean false: write a string or a whole number there [schema]',
      },
      {
        message: 'type',
        path: 'spec.strategy.canary.steps[0].setWeight',
        at: '17:11',
        text: 'spec.strategy.canary.steps[0].setWeight must be a whole number, not the string "twenty": write a whole number there [schema]',
      },
      {
        message: 'type',
        path: 'spec.strategy.canary.steps[1].analysis.templates',
        at: '19:13',
        text: 'spec.strategy.canary.steps[1].analysis.templates must be a list, not the string "success-rate": write a list there [schema]',
      },
      {
        message: 'unquoted',
        path: 'spec.strategy.canary.steps[1].analysis.args[0].value',
        at: '22:17',
        text: 'spec.strategy.canary.steps[1].analysis.args[0].value must be a string, not the number 0.95: put it in quotes [schema]',
      },
      {
        message: 'unquoted',
        path: 'spec.template.spec.containers[0].env[0].value',
        at: '32:15',
        text: 'spec.template.spec.containers[0].env[0].value must be a string, not the number 8080: put it in quotes [schema]',
      },
    ],
    'good-both-forms.yaml': [],
    'good-delegate.yaml': [],
    'good-plugin-settings.yaml': [],
    'good-versions-not-known.yaml': [],
    'good-yaml-1-1-words.yaml': [],
  },
  ['large'],
);
