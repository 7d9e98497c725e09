import { ownContainers, renderContainer } from '../../world/containers.ts';
import { nearest } from '../../world/nearest.ts';
import { parseQuantity } from '../../world/quantity.ts';
import { object } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];

export const rolloutResources = defineRule({
  id: 'rollout-resources',
  summary: 'The resources of the containers of a Rollout are quantities Kubernetes reads, and no request is above its limit.',
  explanation:
    'The schema of a Rollout does not look into requests and limits, so the API server stores anything there. A quantity that cannot be read (512MB, 1 Gi) makes the whole Rollout unreadable to the controller, one that is negative or above the limit makes it ' +
    'InvalidSpec. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), manifests/crds/rollout-crd.yaml and utils/tolerantinformer, and Kubernetes v1.34, pkg/apis/core/validation ' +
    '(ValidateContainerResourceRequirements), which it calls.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    quantity: {
      class: 'invalid',
      text: '{container} has the {list} {resource} "{value}", which is no quantity Kubernetes reads',
      fix: 'write {instead}',
    },
    negative: {
      class: 'invalid',
      text: '{container} has the {list} {resource} {value}, below 0',
      fix: 'write 0 or more',
    },
    resource: {
      class: 'invalid',
      text: '{container} has {list} for "{resource}", which is no resource of a container',
      fix: 'write {instead}',
    },
    aboveLimit: {
      class: 'invalid',
      text: '{container} requests {request} of {resource} and is limited to {limit}',
      fix: 'lower the request or raise the limit',
    },
  },
  check(context, rollout) {
    for (const entry of ownContainers(rollout)) {
      const container = renderContainer(entry);
      const resources = object(entry.raw['resources']);
      const requests = object(resources['requests']);
      const limits = object(resources['limits']);
      for (const list of ['requests', 'limits'] as const) {
        for (const [resource, value] of Object.entries(object(resources[list]))) {
          const at = { path: [...entry.path, 'resources', list, resource], anchor: `${entry.name} ${list} ${resource}` };
          const data = { container, list, resource };
          if (!resource.includes('/') && !COMPUTE.includes(resource) && !resource.startsWith('hugepages-')) {
            context.report('resource', { ...at, data: { ...data, instead: nearest(resource, COMPUTE) ?? 'cpu, memory or ephemeral-storage' } });
          }
          const quantity = parseQuantity(value);
          // Other types are refused for their type, and null reads as 0.
          if (quantity === undefined && typeof value === 'string') context.report('quantity', { ...at, data: { ...data, value, instead: suggest(value) } });
          if (quantity !== undefined && quantity < 0n) context.report('negative', { ...at, data: { ...data, value: String(value) } });
        }
      }
      for (const [resource, value] of Object.entries(requests)) {
        const request = parseQuantity(value);
        const limit = parseQuantity(limits[resource]);
        if (request === undefined || limit === undefined || request <= limit) continue;
        context.report('aboveLimit', {
          path: [...entry.path, 'resources', 'requests', resource],
          anchor: `${entry.name} ${resource}`,
          data: { container, resource, request: String(value), limit: String(limits[resource]) },
        });
      }
    }
  },
});

// `512MB`, `1 gb`, `2GiB` and their kind.
function suggest(value: string): string {
  const [, amount, prefix, binary] = /^([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kmgt])(i?)b?$/i.exec(value) ?? [];
  if (amount === undefined || prefix === undefined) return 'a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi';
  const unit = prefix.toUpperCase();
  if (binary !== '') return `${amount}${unit}i`;
  return `${amount}${unit}i or ${amount}${unit === 'K' ? 'k' : unit}`;
}
