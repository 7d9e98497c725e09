import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { isLabelKey, isLabelValue } from '../../world/names.ts';
import { asObject, dig, optionalObject, stringMap, type JsonObject } from '../../world/read.ts';
import {
  canaryOf,
  effectiveTemplate,
  effectiveTemplatePlaces,
  workloadPlaces,
  type EffectiveTemplate,
} from '../../world/rollout.ts';
import { meets, renderRequirement, requirementsOf, type Requirement } from '../../world/selector.ts';
import { defineRule, type RuleContext } from '../define.ts';
import type { ObjectPath } from '../finding.ts';

const messages = {
  label: {
    class: 'invalid',
    text: '{field} sets label "{key}: {value}" on the {role} pods, which is no valid label, so Kubernetes rejects their ReplicaSet',
    fix: 'use letters, digits, "-", "_" and "." with a letter or digit at both ends, at most 63',
  },
  differs: {
    class: 'invalid',
    text: '{field} sets label "{key}: {value}" on the {role} pods, but the selector requires {wanted}, so Kubernetes rejects their ReplicaSet',
    fix: 'use a label other than "{key}" in {field}',
  },
  taken: {
    class: 'invalid',
    text: '{field} sets label "{key}" of the selector, so updates stop when the controller removes it from pods that are no longer {role}',
    fix: 'remove "{key}" from {field}; the pods have it from the pod template',
  },
  lost: {
    class: 'advice',
    text: 'label "{key}" of the pod template is in {field} but not in {other}, so pods lose it when they become {next}',
    fix: 'add "{key}: {value}" to the labels in {other}',
  },
} as const;

export const rolloutEphemeralLabels = defineRule({
  id: 'rollout-ephemeral-labels',
  summary:
    'Labels that pods have only in one role are valid, and neither conflict with the selector nor remove labels of the pod template.',
  explanation:
    'The labels in canaryMetadata, stableMetadata, previewMetadata and activeMetadata override those of the pod ' +
    'template while the pods have that role. When the pods lose the role, the controller removes these labels, ' +
    'including the label of the template that they replaced. Kubernetes rejects a ReplicaSet with a label that is ' +
    'not valid. Labels of the selector must not be among them. With ' +
    'another value, Kubernetes rejects the ReplicaSet: the update never starts, but the Rollout stays Healthy. The ' +
    'same value causes a problem if any other metadata of the role differs from the template. Then Kubernetes ' +
    'rejects the removal of the label, and a canary update stops from then on. The controller accepts both; ' +
    'Rollgate rejects them because no update can finish. A label of the template that only the canary or preview ' +
    'metadata repeats is gone after the promotion. Seen on the controller of Argo Rollouts v1.9.1 ' +
    '(docs/upstream-facts.md, claims H4 and H5); source: rollout/ephemeralmetadata.go, rollout/sync.go ' +
    '(createDesiredReplicaSet) and utils/replicaset (SyncReplicaSetEphemeralPodMetadata).',
  subject: {
    'Rollout.argoproj.io': [
      ...effectiveTemplatePlaces('metadata.annotations'),
      'spec.strategy.canary.canaryMetadata',
      'spec.strategy.canary.stableMetadata',
      'spec.strategy.blueGreen.activeMetadata',
      'spec.strategy.blueGreen.previewMetadata',
    ],
  },
  reads: workloadPlaces('metadata.annotations'),
  stricterThanUpstream: {
    label: {
      why: 'The validation does not look at these labels. The API server rejects the ReplicaSet, and the update stops there.',
      seenBy: ['agreement', 'e2e'],
    },
    differs: {
      why: 'The validation does not compare the labels with the selector. The API server rejects the ReplicaSet, and the update stops there (docs/upstream-facts.md, H5).',
      seenBy: ['agreement', 'e2e'],
    },
    taken: {
      why: 'The validation does not compare the labels with the selector. The promotion takes the label from the ReplicaSet, the API server rejects that, and the update stops there (docs/upstream-facts.md, H5).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: { fixture: 'bad-selector-of-the-workload.yaml', referenced: 'Deployment reviews' },
  messages,
  check(context, rollout) {
    const metadata = roleMetadata(rollout);
    if (metadata.every(({ labels }) => labels.size === 0)) return;
    const template = effectiveTemplate(rollout, context.find);
    const own = optionalObject(dig(rollout, 'spec', 'selector'));
    const source = own === undefined ? template?.source : rollout;
    const requirements = requirementsOf(own ?? selectorOf(template));
    const byKey = Map.groupBy(requirements, ({ key }) => key);
    for (const one of metadata) {
      const written = template !== undefined && isWritten(one, template) ? template : undefined;
      for (const [key, value] of one.labels)
        checkLabel(context, rollout, { one, key, value, wanted: byKey.get(key) ?? [], source, written });
    }
  },
});

interface Label {
  readonly one: RoleMetadata;
  readonly key: string;
  readonly value: string;
  /** What the selector says of it. */
  readonly wanted: readonly Requirement[];
  /** What has the selector. */
  readonly source: KubeObject | undefined;
  /** The template that the controller writes the labels into; undefined if it need not write anything. */
  readonly written: EffectiveTemplate | undefined;
}

function checkLabel(
  context: RuleContext<typeof messages>,
  rollout: KubeObject,
  { one, key, value, wanted, source, written }: Label,
): void {
  const { field, role, labels, path } = one;
  const at = { path: [...path, key], anchor: `${field} ${key}` };
  if (!isLabelKey(key) || !isLabelValue(value)) {
    context.report('label', { ...at, data: { field, role, key, value } });
    return;
  }
  const refused = wanted.find((requirement) => !meets(requirement, labels));
  const needed = wanted.find(({ operator }) => operator === 'In' || operator === 'Exists');
  const related = relatedTo(source, refused ?? needed);
  if (refused !== undefined)
    context.report('differs', {
      ...at,
      related,
      data: { field, role, key, value, wanted: renderRequirement(refused) },
    });
  else if (written === undefined) return;
  else if (needed !== undefined && canaryOf(rollout) !== undefined)
    context.report('taken', { ...at, related, data: { field, role, key } });
  else if (needed === undefined) reportLost(context, one, key, written);
}

function selectorOf(template: EffectiveTemplate | undefined): JsonObject {
  return asObject(template?.selector);
}

function relatedTo(source: KubeObject | undefined, requirement: Requirement | undefined): ObjectPath[] {
  if (source === undefined || requirement === undefined) return [];
  return [{ object: source, path: ['spec', 'selector', ...requirement.path] }];
}

function reportLost(
  context: RuleContext<typeof messages>,
  { field, path, next }: RoleMetadata,
  key: string,
  template: EffectiveTemplate,
): void {
  const value = template.labels.get(key);
  if (value === undefined || next === undefined || next.labels.has(key)) return;
  const related = [{ object: template.source, path: [...template.path, 'metadata', 'labels', key] }];
  context.report('lost', {
    path: [...path, key],
    anchor: `${field} ${key}`,
    related,
    data: { field, key, value, other: next.field, next: next.role },
  });
}

/** The metadata that pods have only while they have a role. */
interface RoleMetadata {
  readonly field: string;
  readonly role: string;
  readonly path: Path;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** The metadata that the pods get when they are promoted; undefined for the stable or active role. */
  readonly next: RoleMetadata | undefined;
}

/** Returns the metadata of both roles of the strategy, canary or preview first. */
function roleMetadata(rollout: KubeObject): readonly RoleMetadata[] {
  const strategy = canaryOf(rollout) === undefined ? 'blueGreen' : 'canary';
  const of = (role: string, next?: RoleMetadata): RoleMetadata => {
    const field = `${role}Metadata`;
    const path = ['spec', 'strategy', strategy, field];
    const metadata = dig(rollout, ...path);
    return {
      field,
      role,
      path: [...path, 'labels'],
      labels: stringMap(dig(metadata, 'labels')),
      annotations: stringMap(dig(metadata, 'annotations')),
      next,
    };
  };
  const [promoted, coming] = strategy === 'canary' ? ['stable', 'canary'] : ['active', 'preview'];
  const last = of(promoted);
  return [of(coming, last), last];
}

/**
 * Returns whether the controller writes the metadata into a ReplicaSet of that template. If nothing differs, it writes
 * nothing and removes nothing later.
 */
function isWritten({ labels, annotations }: RoleMetadata, { template, labels: own }: EffectiveTemplate): boolean {
  const notes = stringMap(dig(template, 'metadata', 'annotations'));
  return (
    [...labels].some(([key, value]) => own.get(key) !== value) ||
    [...annotations].some(([key, value]) => notes.get(key) !== value)
  );
}
