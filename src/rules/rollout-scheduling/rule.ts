import { isLabelKey } from '../../world/names.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { below } from '../../world/place.ts';
import { asArray, asString, dig, int32, isObject, optionalObject } from '../../world/read.ts';
import { requirementsOf, type Requirement } from '../../world/selector.ts';
import { defineRule, type RuleContext } from '../define.ts';

const POD = ['spec', 'template', 'spec'] as const;
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const HEAVIEST = 100;

const messages = {
  tolerationValue: {
    class: 'invalid',
    text: 'toleration {toleration} has operator Exists and the value "{value}"',
    fix: 'remove the value, or use operator: Equal',
  },
  tolerationKey: {
    class: 'invalid',
    text: 'toleration {toleration} has no key',
    fix: 'set the key, or use operator: Exists, which tolerates every taint',
  },
  tolerationSeconds: {
    class: 'invalid',
    text: 'toleration {toleration} has tolerationSeconds, but {effect}',
    fix: 'use effect: NoExecute, or remove tolerationSeconds',
  },
  noTerms: {
    class: 'invalid',
    text: 'the required nodeAffinity has no nodeSelectorTerms',
    fix: 'add one, or remove the required nodeAffinity',
  },
  noValues: {
    class: 'invalid',
    text: 'a requirement of {where} has key "{key}" with operator {operator}, but no values',
    fix: 'add values, or use Exists or DoesNotExist',
  },
  extraValues: {
    class: 'invalid',
    text: 'a requirement of {where} has key "{key}" with operator {operator} and values',
    fix: 'remove the values, or use In or NotIn',
  },
  oneValue: {
    class: 'invalid',
    text: 'a requirement of {where} has key "{key}" with operator {operator} and {count} values',
    fix: 'set exactly one value',
  },
  weight: {
    class: 'invalid',
    text: 'a preference of {where} has weight {weight}',
    fix: 'use 1 to 100',
  },
  topologyKey: {
    class: 'invalid',
    text: '{where} has {key}',
    fix: 'set topologyKey to the label of a node, such as kubernetes.io/hostname',
  },
  skew: {
    class: 'invalid',
    text: '{where} has maxSkew {skew}',
    fix: 'use 1 or more',
  },
  minDomains: {
    class: 'invalid',
    text: '{where} has minDomains {domains}{action}',
    fix: 'use 1 or more with whenUnsatisfiable: DoNotSchedule, or remove minDomains',
  },
  twice: {
    class: 'invalid',
    text: '{where} has the topologyKey "{key}" and the whenUnsatisfiable {action} of an earlier one',
    fix: 'keep one of the two',
  },
} as const;

type Context = RuleContext<typeof messages>;

export const rolloutScheduling = defineRule({
  id: 'rollout-scheduling',
  summary: 'Tolerations, affinities and topologySpreadConstraints of the pod template are valid.',
  explanation:
    'The controller validates the pod template as the API server validates that of a Deployment, but only after the ' +
    'Rollout is stored. One toleration that contradicts itself makes the Rollout InvalidSpec. Operators and effects ' +
    'that newer releases may have are not reported. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation (ValidateTolerations, ' +
    'ValidateNodeSelectorRequirement, validatePodAffinityTerm, validateTopologySpreadConstraints).',
  subject: {
    'Rollout.argoproj.io': below('spec.template.spec', ['affinity', 'tolerations', 'topologySpreadConstraints']),
  },
  reads: {},
  messages,
  check(context, rollout) {
    for (const [index, toleration] of listIn(context, rollout, ['tolerations']))
      checkToleration(context, toleration, index);
    checkNodeAffinity(context, rollout);
    for (const kind of ['podAffinity', 'podAntiAffinity']) checkPodAffinity(context, rollout, kind);
    const seen = new Set<string>();
    for (const [index, constraint] of listIn(context, rollout, ['topologySpreadConstraints']))
      checkSpread(context, constraint, index, seen);
  },
});

// As long a list takes a few operations for each entry.
const COST_OF_ENTRY = 3;

function listIn(context: Context, rollout: KubeObject, path: readonly string[]): Iterable<[number, unknown]> {
  const list = asArray(dig(rollout, ...POD, ...path));
  context.spend(COST_OF_ENTRY * list.length);
  return list.entries();
}

function checkToleration(context: Context, raw: unknown, index: number): void {
  if (!isObject(raw)) return;
  const [key = '', operator, value = '', effect = ''] = ['key', 'operator', 'value', 'effect'].map((field) =>
    asString(raw[field]),
  );
  const path = [...POD, 'tolerations', index];
  const toleration = key === '' ? `${index + 1}` : `of "${key}"`;
  const anchor = `toleration ${key} ${effect}`;
  if (operator === 'Exists' && value !== '')
    context.report('tolerationValue', { path: [...path, 'value'], anchor, data: { toleration, value } });
  if (key === '' && operator !== 'Exists') context.report('tolerationKey', { path, anchor, data: { toleration } });
  if (int32(raw['tolerationSeconds']) !== undefined && effect !== 'NoExecute')
    context.report('tolerationSeconds', {
      path: [...path, 'tolerationSeconds'],
      anchor,
      data: { toleration, effect: effect === '' ? 'no effect' : `effect ${effect}` },
    });
}

function checkNodeAffinity(context: Context, rollout: KubeObject): void {
  const path = ['affinity', 'nodeAffinity'];
  const required = optionalObject(dig(rollout, ...POD, ...path, REQUIRED));
  const where = 'the nodeAffinity';
  if (required !== undefined && asArray(required['nodeSelectorTerms']).length === 0)
    context.report('noTerms', { path: [...POD, ...path, REQUIRED], anchor: 'terms', data: {} });
  const termsPath = [...path, REQUIRED, 'nodeSelectorTerms'];
  for (const [index, term] of listIn(context, rollout, termsPath))
    checkRequirements(context, term, { where, path: [...POD, ...termsPath, index] });
  for (const [index, preference] of listIn(context, rollout, [...path, PREFERRED])) {
    const at = [...POD, ...path, PREFERRED, index];
    checkWeight(context, preference, { where, path: at });
    checkRequirements(context, dig(preference, 'preference'), { where, path: [...at, 'preference'] });
  }
}

function checkPodAffinity(context: Context, rollout: KubeObject, kind: string): void {
  const path = ['affinity', kind];
  const where = `the ${kind}`;
  for (const [index, term] of listIn(context, rollout, [...path, REQUIRED]))
    checkTerm(context, term, { where, path: [...POD, ...path, REQUIRED, index] });
  for (const [index, preference] of listIn(context, rollout, [...path, PREFERRED])) {
    const at = [...POD, ...path, PREFERRED, index];
    checkWeight(context, preference, { where, path: at });
    checkTerm(context, dig(preference, 'podAffinityTerm'), { where, path: [...at, 'podAffinityTerm'] });
  }
}

interface Part {
  readonly where: string;
  readonly path: Path;
}

function checkWeight(context: Context, preference: unknown, { where, path }: Part): void {
  const weight = int32(dig(preference, 'weight')) ?? 0;
  if (!isObject(preference) || (weight >= 1 && weight <= HEAVIEST)) return;
  context.report('weight', { path: [...path, 'weight'], anchor: `${where} ${weight}`, data: { where, weight } });
}

function checkTerm(context: Context, term: unknown, { where, path }: Part): void {
  if (!isObject(term)) return;
  checkTopologyKey(context, term, { where: `a term of ${where}`, path });
  checkRequirements(context, term['labelSelector'], { where, path: [...path, 'labelSelector'] });
}

function checkTopologyKey(context: Context, raw: unknown, { where, path }: Part): void {
  const key = asString(dig(raw, 'topologyKey'));
  if (isLabelKey(key)) return;
  context.report('topologyKey', {
    path: [...path, 'topologyKey'],
    anchor: `${where} ${key}`,
    data: { where, key: key === '' ? 'no topologyKey' : `the topologyKey "${key}", which is no label` },
  });
}

function checkRequirements(context: Context, selector: unknown, { where, path }: Part): void {
  if (!isObject(selector)) return;
  const requirements = requirementsOf(selector);
  context.spend(COST_OF_ENTRY * requirements.length);
  for (const requirement of requirements) {
    const id = faultOf(requirement);
    if (id === undefined) continue;
    const { key, operator, values } = requirement;
    context.report(id, {
      path: [...path, ...requirement.path],
      anchor: `${where} ${key} ${operator}`,
      data: { where, key, operator, count: values.length },
    });
  }
}

function faultOf({ operator, values }: Requirement): 'noValues' | 'extraValues' | 'oneValue' | undefined {
  if (operator === 'In' || operator === 'NotIn') return values.length === 0 ? 'noValues' : undefined;
  if (operator === 'Exists' || operator === 'DoesNotExist') return values.length > 0 ? 'extraValues' : undefined;
  if (operator === 'Gt' || operator === 'Lt') return values.length === 1 ? undefined : 'oneValue';
  return undefined;
}

function checkSpread(context: Context, constraint: unknown, index: number, seen: Set<string>): void {
  if (!isObject(constraint)) return;
  const path = [...POD, 'topologySpreadConstraints', index];
  const where = `topologySpreadConstraint ${index + 1}`;
  const key = asString(constraint['topologyKey']);
  const action = asString(constraint['whenUnsatisfiable']);
  const anchor = `spread ${key} ${action}`;
  const skew = int32(constraint['maxSkew']) ?? 0;
  if (skew < 1) context.report('skew', { path: [...path, 'maxSkew'], anchor, data: { where, skew } });
  checkTopologyKey(context, constraint, { where, path });
  const domains = int32(constraint['minDomains']);
  if (domains !== undefined && (domains < 1 || action !== 'DoNotSchedule')) {
    const but =
      action === 'DoNotSchedule' ? '' : `, but whenUnsatisfiable ${action === '' ? 'is not set' : `is ${action}`}`;
    context.report('minDomains', { path: [...path, 'minDomains'], anchor, data: { where, domains, action: but } });
  }
  if (seen.has(anchor)) context.report('twice', { path, anchor, data: { where, key, action } });
  seen.add(anchor);
  checkRequirements(context, constraint['labelSelector'], { where, path: [...path, 'labelSelector'] });
}
