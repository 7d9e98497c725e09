import type { Finding } from '../rules/finding.ts';
import { isLabelKey, isLabelValue } from '../world/names.ts';
import { at, type Path } from '../world/path.ts';
import { asArray, asObject, asString, dig } from '../world/read.ts';

const CANARY: Path = ['spec', 'strategy', 'canary'];

// The other fields that some messages of rules about numbers compare, or take as absent if they are not numbers.
const COMPARED: Readonly<Record<string, readonly Path[]>> = {
  'rollout-counts deadline': [
    ['spec', 'progressDeadlineSeconds'],
    ['spec', 'minReadySeconds'],
  ],
  'rollout-counts revisions': [['spec', 'revisionHistoryLimit']],
  'rollout-counts standstill': [
    [...CANARY, 'maxSurge'],
    [...CANARY, 'maxUnavailable'],
  ],
  'rollout-steps weight': [[...CANARY, 'trafficRouting', 'maxTrafficWeight']],
};

/** Returns the texts of manifests that decide whether a finding is right. If they change, it may be wrong. */
export function decidingTexts(finding: Finding): readonly string[] {
  return valuesOf(finding).filter((value) => typeof value === 'string');
}

function valuesOf(finding: Finding): readonly unknown[] {
  const { rule, messageId, object, path, data } = finding;
  switch (rule) {
    case 'analysis-placeholders':
      // They are right whatever else is in the text.
      return [data['tag']];
    case 'analysis-terminates':
      return endsOf(finding);
    case 'analysis-metrics':
      // It is switched off by the failureLimit unless this one is above 0.
      return [
        at(object, path),
        messageId === 'switched-off' && at(object, [...path.slice(0, -1), 'consecutiveSuccessLimit']),
      ];
    case 'unknown-field':
      return [path.at(-1)];
    case 'rollout-pod-template':
    case 'analysis-provider':
      return path.at(-2) === 'labels' ? labelTexts(path, at(object, path)) : [at(object, path)];
    case 'rollout-selector':
      return selectorTexts(finding);
    case 'analysis-condition':
      return [conditionAfter(at(object, path), data['position'])];
    default:
      break;
  }
  const compared = COMPARED[`${rule} ${messageId}`] ?? [];
  return [path, ...compared].map((place) => at(object, place));
}

// Both may be invalid, and then one that stays as it is decides.
function labelTexts(path: Path, label: unknown): readonly string[] {
  const key = String(path.at(-1));
  const value = asString(label);
  const invalid = [...(isLabelKey(key) ? [] : [key]), ...(isLabelValue(value) ? [] : [value])];
  const staying = invalid.filter((text) => !text.includes('$'));
  return staying.length > 0 ? staying : invalid;
}

// A condition is read from the left: what is substituted after the problem changes nothing.
function conditionAfter(condition: unknown, position: unknown): unknown {
  if (typeof condition !== 'string' || typeof position !== 'number') return condition;
  return condition.slice(0, position).includes('$') ? condition : undefined;
}

function selectorTexts({ messageId, object, path, data }: Finding): readonly unknown[] {
  if (messageId === 'key') return [data['key']];
  if (messageId === 'value') return [data['value']];
  if (messageId !== 'mismatch') return [at(object, path)];
  // A key that is substituted may become the one that is missing.
  const keys = at(object, path) === undefined ? Object.keys(asObject(at(object, path.slice(0, -1)))) : [];
  return [data['wanted'], data['has'], ...keys];
}

// It is reported where the Rollout uses the template, and decided by the metric and the defaults of its arguments.
function endsOf({ related, data }: Finding): readonly unknown[] {
  return related.flatMap(({ object, path }) => {
    const metric = at(object, path);
    const count = asString(dig(metric, 'count'));
    const defaults = asArray(dig(object, 'spec', 'args')).filter((arg) =>
      count.includes(`args.${asString(dig(arg, 'name'))}`),
    );
    return [data['count'], count, dig(metric, 'interval'), ...defaults.map((arg) => dig(arg, 'value'))];
  });
}
