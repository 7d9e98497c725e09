import { ownContainerPlaces, ownContainers, renderContainer, type Container } from '../../world/containers.ts';
import { isLabelKey } from '../../world/names.ts';
import { nearest } from '../../world/nearest.ts';
import { isQuantity, isWhole, parseQuantity, roundUp, type Quantity } from '../../world/quantity.ts';
import { dig, asObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];

const messages = {
  quantity: {
    class: 'invalid',
    text: '{container} has the invalid quantity "{value}" for {resource} in {list}',
    fix: 'use {instead}',
  },
  negative: {
    class: 'invalid',
    text: '{container} has the negative quantity {value} for {resource} in {list}',
    fix: 'use 0 or more',
  },
  resource: {
    class: 'invalid',
    text: '{container} has {list} for "{resource}", which is not a container resource',
    fix: 'use {instead}',
  },
  aboveLimit: {
    class: 'invalid',
    text: '{container} requests {request} of {resource}, which is above its limit of {limit}',
    fix: 'lower the request or raise the limit',
  },
  unshared: {
    class: 'invalid',
    text: '{container} requests {request} of {resource}, but does not have the same limit',
    fix: 'set the limit of {resource} to the same amount, because this resource cannot be shared',
  },
  whole: {
    class: 'invalid',
    text: '{container} has the fractional quantity {value} for {resource} in {list}',
    fix: 'use a whole number',
  },
  hugePages: {
    class: 'invalid',
    text: '{container} has huge pages, but neither cpu nor memory',
    fix: 'add a request or limit of cpu or memory',
  },
} as const;

export const rolloutResources = defineRule({
  id: 'rollout-resources',
  summary: 'Containers of a Rollout have valid resource quantities, and no request is above its limit.',
  explanation:
    'The schema of a Rollout does not check requests and limits, so the API server stores any value there. The ' +
    'controller reads a Rollout only as far as a quantity that cannot be parsed (512MB, 1 Gi), and runs that: the ' +
    'pods lack other containers, volumes and security settings. Argo Rollouts 1.9 marks it InvalidSpec instead if ' +
    'another container follows. A quantity that is negative or above the limit makes it InvalidSpec. Kubernetes ' +
    'rounds up to thousandths before it compares. Seen on the controllers of v1.9.1 and v1.10.1 ' +
    '(docs/upstream-facts.md, quantities). Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutSpec), manifests/crds/rollout-crd.yaml and utils/tolerantinformer, and Kubernetes v1.34, ' +
    'pkg/apis/core/validation ' +
    '(ValidateContainerResourceRequirements, ValidateContainerResourceName) and pkg/apis/core/v1 ' +
    '(SetDefaults_ResourceList), which it calls.',
  subject: { 'Rollout.argoproj.io': ownContainerPlaces('resources') },
  reads: {},
  messages,
  check(context, rollout) {
    for (const container of ownContainers(rollout, context)) {
      for (const list of ['requests', 'limits'] as const) {
        for (const [resource, value] of Object.entries(asObject(dig(container.raw, 'resources', list))))
          checkQuantity(context, container, list, resource, value);
      }
      checkRequests(context, container);
      checkHugePages(context, container);
    }
  },
});

type Context = RuleContext<typeof messages>;

function checkQuantity(
  context: Context,
  container: Container,
  list: 'requests' | 'limits',
  resource: string,
  value: unknown,
): void {
  const at = {
    path: [...container.path, 'resources', list, resource],
    anchor: `${container.name} ${list} ${resource}`,
  };
  const data = { container: renderContainer(container), list, resource };
  if (resource.includes('/') && !isLabelKey(resource))
    context.report('resource', { ...at, data: { ...data, instead: 'a valid name such as example.com/gpu' } });
  if (!resource.includes('/') && !COMPUTE.includes(resource) && !resource.startsWith('hugepages-')) {
    context.report('resource', {
      ...at,
      data: { ...data, instead: nearest(resource, COMPUTE) ?? 'cpu, memory or ephemeral-storage' },
    });
  }
  const quantity = amountOf(value);
  // The API server rejects values of other types.
  if (typeof value === 'string' && !isQuantity(value))
    context.report('quantity', { ...at, data: { ...data, value, instead: suggest(value) } });
  if (quantity !== undefined && quantity < 0n)
    context.report('negative', { ...at, data: { ...data, value: String(value) } });
  if (quantity !== undefined && isDevice(resource) && !isWhole(quantity))
    context.report('whole', { ...at, data: { ...data, value: String(value) } });
}

function checkRequests(context: Context, container: Container): void {
  const limits = asObject(dig(container.raw, 'resources', 'limits'));
  for (const [resource, value] of Object.entries(asObject(dig(container.raw, 'resources', 'requests')))) {
    const request = amountOf(value);
    if (request === undefined) continue;
    const limit = amountOf(limits[resource]);
    const at = {
      path: [...container.path, 'resources', 'requests', resource],
      anchor: `${container.name} ${resource}`,
    };
    const data = { container: renderContainer(container), resource, request: String(value) };
    if (isUnshared(resource)) {
      // A limit that is not a quantity cannot be compared.
      if (request !== limit && (limit !== undefined || limits[resource] === undefined))
        context.report('unshared', { ...at, data });
    } else if (limit !== undefined && request > limit) {
      context.report('aboveLimit', { ...at, data: { ...data, limit: String(limits[resource]) } });
    }
  }
}

// The API server stores null here, and the controller reads it as 0.
function amountOf(value: unknown): Quantity | undefined {
  if (value === null) return 0n;
  const quantity = parseQuantity(value);
  return quantity === undefined ? undefined : roundUp(quantity);
}

function checkHugePages(context: Context, container: Container): void {
  const names = ['limits', 'requests'].flatMap((list) => Object.keys(asObject(dig(container.raw, 'resources', list))));
  if (!names.some((name) => name.startsWith('hugepages-')) || names.includes('cpu') || names.includes('memory')) return;
  context.report('hugePages', {
    path: [...container.path, 'resources'],
    anchor: container.name,
    data: { container: renderContainer(container) },
  });
}

// Containers cannot share devices and huge pages.
function isUnshared(resource: string): boolean {
  return resource.startsWith('hugepages-') || isDevice(resource);
}

function isDevice(resource: string): boolean {
  return resource.includes('/') && !resource.includes('kubernetes.io/');
}

// Suggests a unit for values such as `512MB`, `1 gb` and `2GiB`.
function suggest(value: string): string {
  const [, amount, prefix, binary] = /^([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kmgt])(i?)b?$/i.exec(value) ?? [];
  if (amount === undefined || prefix === undefined) return 'a quantity such as 500m, 0.5, 512Mi or 1Gi';
  const unit = prefix.toUpperCase();
  if (binary !== '') return `${amount}${unit}i`;
  return `${amount}${unit}i or ${amount}${unit === 'K' ? 'k' : unit}`;
}
