import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { dig, asObject, optionalObject, stringMap } from '../../world/read.ts';
import { canaryOf, effectiveTemplate, type EffectiveTemplate } from '../../world/rollout.ts';
import { meets, renderRequirement, requirementsOf } from '../../world/selector.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  differs: {
    class: 'invalid',
    text: '{field} gives the {role} pods the label "{key}: {value}", but the selector wants {wanted}, so Kubernetes refuses their ReplicaSet',
    fix: 'use another label than "{key}" in {field}',
  },
  taken: {
    class: 'invalid',
    text: '{field} has the label "{key}", which is in the selector: the Rollouts controller takes it from pods that are no longer {role}, Kubernetes refuses that, and the update stands still',
    fix: 'remove "{key}" from {field}, as the pods have it from the pod template',
  },
  lost: {
    class: 'advice',
    text: 'the label "{key}" of the pod template is in {field} and not in {other}, so the pods lose it once they are {next}',
    fix: 'add "{key}: {value}" to the labels in {other}',
  },
} as const;

export const rolloutEphemeralLabels = defineRule({
  id: 'rollout-ephemeral-labels',
  summary:
    'Labels that pods have only in one role, such as canary, are none of the selector, and none of the pod template that the other role lacks.',
  explanation:
    'The labels in canaryMetadata, stableMetadata, previewMetadata and activeMetadata come over those of the pod template as long as the pods have that role, and are removed when they lose it, with the label of the template that they came over. ' +
    'Of the selector they must not be: with another value Kubernetes refuses the ReplicaSet, the update never begins and the Rollout stays Healthy all the same; with the same value beside anything that differs from the template it is refused when the ' +
    'label is removed, and a canary stands still from then on. The controller calls both valid; they are refused here because no update comes through. A label of the template that only the canary or preview pods have here is gone after ' +
    'the promotion. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claims H4 and H5); source: rollout/ephemeralmetadata.go, rollout/sync.go (createDesiredReplicaSet) and utils/replicaset (SyncReplicaSetEphemeralPodMetadata).',
  subject: ['Rollout.argoproj.io'],
  reads: ['Deployment.apps', 'ReplicaSet.apps', 'PodTemplate'],
  stricterThanUpstream: {
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
    const requirements = requirementsOf(own ?? asObject(dig(source, 'spec', 'selector')));
    for (const one of metadata) {
      const { field, role, labels, path } = one;
      for (const [key, value] of labels) {
        const at = { path: [...path, key], anchor: `${field} ${key}` };
        const wanted = requirements.filter((requirement) => requirement.key === key);
        const refused = wanted.find((requirement) => !meets(requirement, labels));
        const needed = wanted.find(({ operator }) => operator === 'In' || operator === 'Exists');
        const against = refused ?? needed;
        const related =
          source === undefined || against === undefined
            ? []
            : [{ object: source, path: ['spec', 'selector', ...against.path] }];
        if (refused !== undefined)
          context.report('differs', {
            ...at,
            related,
            data: { field, role, key, value, wanted: renderRequirement(refused) },
          });
        else if (template === undefined || !isWritten(one, template)) continue;
        else if (needed !== undefined && canaryOf(rollout) !== undefined)
          context.report('taken', { ...at, related, data: { field, role, key } });
        else if (needed === undefined) reportLost(context, one, key, template);
      }
    }
  },
});

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

/** What pods have only as long as they have a role. */
interface RoleMetadata {
  readonly field: string;
  readonly role: string;
  readonly path: Path;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** What they get once they are promoted; undefined for those that are. */
  readonly next: RoleMetadata | undefined;
}

/** In: a Rollout. Out: the metadata of both roles of its strategy, the one to be promoted first. */
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
 * Whether the controller writes the metadata into a ReplicaSet of that template: where nothing is other it writes
 * nothing, and has nothing to remove later.
 */
function isWritten({ labels, annotations }: RoleMetadata, { template, labels: own }: EffectiveTemplate): boolean {
  const notes = stringMap(dig(template, 'metadata', 'annotations'));
  return (
    [...labels].some(([key, value]) => own.get(key) !== value) ||
    [...annotations].some(([key, value]) => notes.get(key) !== value)
  );
}
