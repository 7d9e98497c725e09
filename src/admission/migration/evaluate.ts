import { CONVERT, MIGRATION_RULE } from '../../migration/annotations.ts';
import type { DeploymentChange, Migration } from '../../migration/plan.ts';
import { withReplicas } from '../../migration/render.ts';
import type { Work } from '../../rules/engine.ts';
import type { Finding, FindingClass } from '../../rules/finding.ts';
import { keyOf, type KubeObject } from '../../world/object.ts';
import { asObject } from '../../world/read.ts';
import type { Change } from '../change.ts';
import { decideInSlices, enforced, type DecisionContext } from '../decisions.ts';

/** Returns the changes that a conversion amounts to: that of the Deployment, and that of the Rollout. */
export function changesOf({ before, after }: DeploymentChange, { existing, rollout, replicas }: Migration): Change[] {
  if (existing === undefined)
    return [
      { before, after },
      { before: undefined, after: withReplicas(rollout, replicas) },
    ];
  const merged: KubeObject = {
    ...existing,
    metadata: { ...existing.metadata, ...rollout.metadata },
    spec: { ...asObject(existing['spec']), ...asObject(rollout['spec']) },
  };
  return [
    { before, after },
    { before: existing, after: merged },
  ];
}

const PATH = ['metadata', 'annotations', CONVERT];

/**
 * Returns findings with those about the Rollout attributed to the annotation of its Deployment: the user has not written
 * that Rollout, and cannot change it.
 */
export function attributedToDeployment(
  findings: readonly Finding[],
  deployment: KubeObject,
  { profile, rollout }: Migration,
): Finding[] {
  const key = keyOf(rollout);
  return findings.map((finding) => {
    if (keyOf(finding.subject) !== key) return finding;
    return {
      ...finding,
      subject: deployment,
      object: deployment,
      path: PATH,
      related: [],
      message: prefixed(finding, `profile "${profile}" makes Rollout "${rollout.metadata.name}": `),
      anchor: `${finding.messageId} ${finding.anchor}`,
    };
  });
}

/** What is found in a Deployment and the Rollout that it would become, and what follows. */
export interface EvaluatedMigration {
  readonly findings: readonly Finding[];
  /** Whether anything prevents the conversion, even if the policy only warns about it. */
  readonly refused: boolean;
  /** Whether the Rollout needs something that does not exist yet: its pods may take long to start. */
  readonly incomplete: boolean;
}

/** Returns the findings of a conversion as the user of the Deployment reads them, and whether they prevent it. */
export function* evaluateMigration(
  findings: readonly Finding[],
  { before, after }: DeploymentChange,
  plan: Migration,
  context: DecisionContext,
): Work<EvaluatedMigration> {
  const rollout = keyOf(plan.rollout);
  const incomplete = findings.some(({ class: found, subject }) => found === 'missing' && keyOf(subject) === rollout);
  const attributed = attributedToDeployment(findings, after, plan);
  // Where the policy only warns, the Deployment is admitted; but no Rollout is made that cannot work.
  const decided = yield* decideInSlices(attributed, [{ before, after }], enforced(context));
  const refused = decided.some(
    ({ decision, finding }) => decision === 'deny' && keyOf(finding.subject) === keyOf(after),
  );
  // Users who write a plain Deployment have not opted in, so it is never rejected.
  return {
    findings:
      refused && plan.byNamespace
        ? attributed.map((finding) => (preventsConversion(finding, after) ? asAdvice(finding) : finding))
        : attributed,
    refused,
    incomplete,
  };
}

function preventsConversion({ class: found, subject, path }: Finding, deployment: KubeObject): boolean {
  return found === 'invalid' && path === PATH && keyOf(subject) === keyOf(deployment);
}

function asAdvice(finding: Finding): Finding {
  return { ...finding, class: 'advice', message: prefixed(finding, 'not converted: ') };
}

// Without the name of a missing object: in one line with others it would lose the prefix.
function prefixed({ message: { text, fix } }: Finding, prefix: string): Finding['message'] {
  return { text: prefix + text, fix };
}

/** Returns the finding that says why a Deployment cannot be converted as it asks to be. */
export function refusal(
  deployment: KubeObject,
  message: string,
  fix: string,
  found: FindingClass = 'invalid',
): Finding {
  return {
    rule: MIGRATION_RULE,
    messageId: 'refused',
    class: found,
    subject: deployment,
    object: deployment,
    path: PATH,
    related: [],
    anchor: message,
    message: { text: message, fix },
    data: {},
    dependsOn: [new Set([keyOf(deployment)])],
  };
}
