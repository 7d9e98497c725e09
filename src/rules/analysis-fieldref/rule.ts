import { countedAnalyses, ANALYSIS_PLACES } from '../../world/analysis.ts';
import type { AnalysisRole } from '../../world/collect-analyses.ts';
import { hasValueAt, isMetadataPath, sectionsOf } from '../../world/field-path.ts';
import type { KubeObject } from '../../world/object.ts';
import { dig, asObject } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// The fields that Argo Rollouts v1.9.1 can write into the status of a Rollout.
const STATUS_FIELDS: ReadonlySet<string> = new Set(
  (
    'abort pauseConditions controllerPause abortedAt currentPodHash currentStepHash replicas updatedReplicas readyReplicas availableReplicas currentStepIndex collisionCount observedGeneration conditions canary blueGreen ' +
    'HPAReplicas selector stableRS restartedAt promoteFull phase message workloadObservedGeneration alb albs'
  ).split(' '),
);

// In these the controller validates metadata paths before it accepts the Rollout, even those that it does not use.
const VALIDATED: readonly AnalysisRole[] = ['step', 'experiment'];

type Verdict = 'metadata' | 'template' | 'absent' | 'status';

export const analysisFieldRef = defineRule({
  id: 'analysis-fieldref',
  summary: 'A fieldRef in the arguments of an analysis points to a field that the Rollout has.',
  explanation:
    'Under metadata, a fieldRef supports the same fields as the Kubernetes downward API. If a step uses any other ' +
    'metadata field, the controller marks the Rollout InvalidSpec. Every other path is followed through the ' +
    'Rollout, key by key and index by index. Quotes count as part of a key, so a key that contains a dot cannot be ' +
    'named. With workloadRef there is no spec.template. Values that Go omits from its JSON (minReadySeconds 0, an ' +
    'empty string) do not exist either. The controller does not validate these paths: it never creates the analysis ' +
    'and retries without end. Source: Argo Rollouts v1.9.1, utils/analysis (BuildArgumentsForRolloutAnalysisRun), ' +
    'pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary), pkg/apis/rollouts/v1alpha1 ' +
    '(RolloutSpec.MarshalJSON).',
  subject: { 'Rollout.argoproj.io': [...ANALYSIS_PLACES['Rollout.argoproj.io'], 'status'] },
  reads: {},
  upstreamRefusesLater: 'when an analysis of the update begins',
  messages: {
    metadata: {
      class: 'invalid',
      text: 'argument "{arg}" of {analysis} reads field "{path}", which fieldRef does not support',
      fix: "use a field such as metadata.name, metadata.labels['KEY'] or metadata.annotations['KEY']",
    },
    template: {
      class: 'invalid',
      text: 'argument "{arg}" of {analysis} reads field "{path}", but a Rollout with workloadRef has no template',
      fix: "put the value into a label of the Rollout, and use metadata.labels['KEY']",
    },
    absent: {
      class: 'invalid',
      text: 'argument "{arg}" of {analysis} reads field "{path}", which is missing or not a single value',
      fix: 'use an existing field without quotes, as in spec.template.spec.containers[0].image',
    },
    status: {
      class: 'advice',
      text: 'argument "{arg}" of {analysis} reads field "{path}", which the status does not have now; without it the analysis never starts',
      fix: 'use a field of metadata or spec, or check the name',
    },
  },
  check(context, rollout) {
    for (const analysis of countedAnalyses(rollout, context)) {
      for (const { name, raw, path } of analysis.args) {
        const fieldPath = dig(raw, 'valueFrom', 'fieldRef', 'fieldPath');
        if (typeof fieldPath !== 'string') continue;
        // The controller prefers podTemplateHashValue, even if it is empty.
        const isUsed = typeof dig(raw, 'valueFrom', 'podTemplateHashValue') !== 'string';
        const found = verdict(rollout, fieldPath);
        if (found === undefined || (!isUsed && !(found === 'metadata' && VALIDATED.includes(analysis.role)))) continue;
        context.report(found, {
          path: [...path, 'valueFrom', 'fieldRef', 'fieldPath'],
          anchor: `${analysis.anchor} ${name}`,
          data: { arg: name, analysis: analysis.title, path: fieldPath },
        });
      }
    }
  },
});

function verdict(rollout: KubeObject, fieldPath: string): Verdict | undefined {
  if (fieldPath.startsWith('metadata')) return isMetadataPath(fieldPath) ? undefined : 'metadata';
  const sections = sectionsOf(fieldPath);
  const [root, field = ''] = sections;
  if (root === 'spec' && field === 'template' && workloadRefOf(rollout) !== undefined) return 'template';
  // The controller sets spec.replicas if it is missing.
  if (root === 'spec' && field === 'replicas' && sections.length === 2) return undefined;
  if (hasValueAt(rollout, sections)) return undefined;
  if (root !== 'status') return 'absent';
  const hasStatus = Object.keys(asObject(rollout['status'])).length > 0;
  return hasStatus || !STATUS_FIELDS.has(field) ? 'status' : undefined;
}
