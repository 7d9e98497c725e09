import { countedMetrics, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { containersOf, renderContainer, type Container } from '../../world/containers.ts';
import { namespaceOf } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { below, inEach } from '../../world/place.ts';
import { isQuantity } from '../../world/quantity.ts';
import { asArray, asObject, dig, isObject, optionalString, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { sidecarOf, meshOf, type Mesh } from './sidecar.ts';

const messages = {
  quantity: {
    class: 'invalid',
    text: '{container} of metric "{metric}" sets {list}.{resource} to "{value}", which is not a valid quantity',
    fix: 'use a Kubernetes quantity, such as 500m, 0.5, 512Mi or 1Gi',
  },
  duplicate: {
    class: 'invalid',
    text: 'two containers of metric "{metric}" are named "{name}"',
    fix: 'rename one of them',
  },
  repeated: {
    class: 'invalid',
    text: '{container} of metric "{metric}" has two entries of {list} with {key} "{value}"',
    fix: 'remove one of them',
  },
  sidecar: {
    class: 'advice',
    text: 'the Job of metric "{metric}" gets a sidecar of {mesh} (by {by}), so it does not end, unless the sidecar is a native one',
    fix: 'set {setting} in the {field} of its pod template',
  },
} as const;

export const analysisJob = defineRule({
  id: 'analysis-job',
  summary: 'The Job of a metric ends, and has containers with unique names and valid resource quantities.',
  explanation:
    'The schema of a template does not check the requests and limits of a Job, so the API server stores any value. ' +
    'The controller then calls the template malformed and continues with the parts that it can read. The API server ' +
    'itself rejects two containers with the same name, because the name is the key of the list in the schema. The same ' +
    'holds for environment variables, and for mounts with the same path. A Job ends when all its containers have. A sidecar that Istio or Linkerd ' +
    'injects runs on, unless it is an init container that restarts, a native sidecar. A Job that stops the sidecar ' +
    'itself is not reported. ' +
    'Source: Argo Rollouts v1.9.1, manifests/crds/analysis-template-crd.yaml and utils/tolerantinformer, and ' +
    'Kubernetes v1.34, pkg/api/resource.',
  subject: inEach(TEMPLATE_KINDS, [
    'spec.metrics[*].name',
    ...below('spec.metrics[*].provider.job.spec.template', ['metadata.labels', 'metadata.annotations', 'spec']),
  ]),
  reads: { Namespace: ['metadata.labels', 'metadata.annotations'] },
  messages,
  check(context, template) {
    const mesh = injectingMesh(context, namespaceOf(template));
    for (const { name: metric, raw, path } of countedMetrics(template, context)) {
      const pod = asObject(dig(raw, 'provider', 'job', 'spec', 'template'));
      const at = [...path, 'provider', 'job', 'spec', 'template'];
      checkPod(context, metric, pod, at);
      if (!isObject(pod['spec'])) continue;
      const sidecar = sidecarOf(pod, mesh);
      if (sidecar !== undefined)
        context.report('sidecar', {
          path: [...at, 'spec'],
          anchor: metric,
          data: { metric, ...sidecar },
          related: mesh === undefined ? [] : [{ object: mesh.object, path: ['metadata'] }],
        });
    }
  },
});

// A bundle rarely has the Namespace, so it is no reason to say that nothing is known. A cluster-scoped template runs in
// any namespace.
function injectingMesh(context: RuleContext<typeof messages>, namespace: string): Mesh | undefined {
  const found = namespace === '' ? undefined : context.lookup('Namespace', '', namespace);
  return found?.state === 'present' ? meshOf(found.object) : undefined;
}

// The keys of lists of a container, as in the schema. Ports have two keys and a default.
const KEYS = [
  ['env', 'name'],
  ['volumeMounts', 'mountPath'],
  ['volumeDevices', 'devicePath'],
] as const;

function checkKeys(context: RuleContext<typeof messages>, metric: string, container: Container): void {
  for (const [list, key] of KEYS) {
    const values = new Set<string>();
    for (const [index, entry] of asArray(container.raw[list]).entries()) {
      const value = optionalString(dig(entry, key));
      if (value !== undefined && values.has(value))
        context.report('repeated', {
          path: [...container.path, list, index, key],
          anchor: `${metric} ${container.name} ${list} ${value}`,
          data: { container: renderContainer(container), metric, list, key, value },
        });
      if (value !== undefined) values.add(value);
    }
  }
}

function checkPod(context: RuleContext<typeof messages>, metric: string, pod: JsonObject, path: Path): void {
  const names = new Set<string>();
  for (const container of containersOf(pod, path)) {
    const { name, list } = container;
    // A name must be unique within each list, because it is the key of that list.
    if (names.has(`${list} ${name}`))
      context.report('duplicate', {
        path: [...container.path, 'name'],
        anchor: `${metric} ${name}`,
        data: { metric, name },
      });
    names.add(`${list} ${name}`);
    checkKeys(context, metric, container);
    for (const resources of ['requests', 'limits']) {
      for (const [resource, value] of Object.entries(asObject(dig(container.raw, 'resources', resources)))) {
        // A placeholder is invalid too, because the controller reads the template before it fills them in.
        if (typeof value !== 'string' || isQuantity(value)) continue;
        context.report('quantity', {
          path: [...container.path, 'resources', resources, resource],
          anchor: `${metric} ${name} ${resources} ${resource}`,
          data: { container: renderContainer(container), metric, list: resources, resource, value },
        });
      }
    }
  }
}
