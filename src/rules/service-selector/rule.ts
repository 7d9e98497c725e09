import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { CONTAINER_TEXTS } from '../../world/containers.ts';
import { below, inEach } from '../../world/place.ts';
import { asObject, dig, stringMap } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { references, SERVICE_ROLES } from '../../world/references.ts';
import { blueGreenOf, canaryOf, effectiveTemplate, effectiveTemplatePlaces, HASH_LABEL } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// What it takes to compare a label, in operations: many labels are a table of hashes.
const COST_OF_LABEL = 3;

export const serviceSelector = defineRule({
  id: 'service-selector',
  summary: 'The Services of a Rollout select only labels that its pod template has.',
  explanation:
    'The controller compares the selector of every Service that a Rollout names with the labels of its pod ' +
    'template. It marks the Rollout InvalidSpec if a label is missing or different. Labels of canaryMetadata, ' +
    'stableMetadata, activeMetadata and previewMetadata do not count, because they change with the role of a pod. ' +
    'The hash label that the controller adds does not count either. A Service without a selector is accepted. ' +
    'Admission also denies an update of a Service that selects available pods now and would select none of them; see ' +
    'docs/keeps.md. ' +
    'Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateService).',
  subject: {
    'Rollout.argoproj.io': [
      ...REFERENCE_PLACES['Rollout.argoproj.io'],
      ...effectiveTemplatePlaces(),
      'spec.template',
      ...below('spec.template', CONTAINER_TEXTS),
      'spec.strategy.canary.canaryMetadata.labels',
      'spec.strategy.canary.stableMetadata.labels',
      'spec.strategy.blueGreen.activeMetadata.labels',
      'spec.strategy.blueGreen.previewMetadata.labels',
    ],
  },
  reads: {
    Service: ['spec.selector'],
    ...inEach(
      ['Deployment.apps', 'ReplicaSet.apps'],
      ['spec.selector', 'spec.template', ...below('spec.template', CONTAINER_TEXTS)],
    ),
    PodTemplate: ['template', ...below('template', CONTAINER_TEXTS)],
  },
  example: { fixture: 'bad-label-lacking.yaml', referenced: 'Service reviews', before: [[/ +version: v1\n/, '']] },
  messages: {
    lacking: {
      class: 'invalid',
      text: 'Service "{service}" selects pods by label "{label}", which the pod template of Rollout "{rollout}" does not have',
      fix: 'remove it from the selector, or add {label}: {value} to the labels of the pod template',
    },
    differs: {
      class: 'invalid',
      text: 'Service "{service}" selects pods with {label}: {value}, but the pod template of Rollout "{rollout}" has {label}: {has}',
      fix: 'use the same value in both',
    },
    ephemeral: {
      class: 'invalid',
      text: 'Service "{service}" selects pods with {label}: {value}, which Rollout "{rollout}" has only in {fields}',
      fix: 'remove it from the selector, because the Rollouts controller adds the hash of the right pods',
    },
  },
  check(context, rollout) {
    const effective = effectiveTemplate(rollout, context.find);
    if (effective === undefined || Object.keys(effective.template).length === 0) return;
    const ephemeral = ephemeralLabels(rollout);
    const seen = new Set<string>();
    for (const { kind, name, role, path } of references(rollout)) {
      if (kind !== 'Service' || !SERVICE_ROLES.includes(role) || seen.has(name)) continue;
      seen.add(name);
      const service = context.find(kind, namespaceOf(rollout), name);
      if (service === undefined) continue;
      const selector = asObject(dig(service, 'spec', 'selector'));
      for (const label in selector) {
        context.spend(COST_OF_LABEL);
        const value = selector[label];
        const has = effective.labels.get(label);
        if (typeof value !== 'string' || label === HASH_LABEL || has === value) continue;
        const fields = ephemeral.filter(({ labels }) => labels.get(label) === value).map(({ field }) => field);
        const location = {
          object: service,
          path: ['spec', 'selector', label],
          anchor: label,
          related: [
            { object: rollout, path },
            {
              object: effective.source,
              path: [...effective.path, 'metadata', 'labels', ...(has === undefined ? [] : [label])],
            },
          ],
        };
        const data = { service: name, rollout: rollout.metadata.name, label, value };
        if (fields.length > 0)
          context.report('ephemeral', { ...location, data: { ...data, fields: fields.join(' and ') } });
        else if (has === undefined) context.report('lacking', { ...location, data });
        else context.report('differs', { ...location, data: { ...data, has } });
      }
    }
  },
});

function ephemeralLabels(rollout: KubeObject): { field: string; labels: ReadonlyMap<string, string> }[] {
  const metadata = {
    ...pick(canaryOf(rollout), 'canaryMetadata', 'stableMetadata'),
    ...pick(blueGreenOf(rollout), 'activeMetadata', 'previewMetadata'),
  };
  return Object.entries(metadata).map(([field, value]) => ({ field, labels: stringMap(dig(value, 'labels')) }));
}

function pick(strategy: unknown, ...fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, dig(strategy, field)]));
}
