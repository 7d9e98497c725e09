import { controllerVersions } from '../harness/argo-rollouts.ts';
import type { Rule } from '../../../src/rules/define.ts';
import { evaluate } from '../../../src/rules/engine.ts';
import type { Finding, FindingClass } from '../../../src/rules/finding.ts';
import { bundleWorld } from '../../../src/world/manifests.ts';
import { keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../../../src/world/object.ts';
import { asObject } from '../../../src/world/read.ts';
import { referenceKeys } from '../../../src/world/references.ts';

/**
 * A conflict between two objects, and the objects around them. The one that comes last is rejected or gets a warning.
 */
export interface Pair {
  readonly class: FindingClass;
  /** The object that the rule evaluates, and the object that it refers to; undefined if that does not exist. */
  readonly referrer: KubeObject;
  readonly referenced: KubeObject | undefined;
  readonly others: readonly KubeObject[];
  /**
   * Whether the two are in different namespaces, so that neither may block the other: what comes last names the other
   * or not. A cluster-scoped object is in none.
   */
  readonly foreign: { readonly referrerLast: boolean; readonly referencedLast: boolean };
}

// The kinds for which the chart registers webhooks.
const ADMITTED = new Set([
  'Rollout',
  'AnalysisTemplate',
  'ClusterAnalysisTemplate',
  'Experiment',
  'VirtualService',
  'DestinationRule',
  'HTTPRoute',
  'GRPCRoute',
  'TCPRoute',
  'TLSRoute',
  'Service',
  'Deployment',
  'Ingress',
  'HorizontalPodAutoscaler',
]);
const GRAVITY: readonly FindingClass[] = ['invalid', 'missing', 'advice'];

/**
 * Returns the most severe conflict between two objects in a bad fixture, or undefined if a single object is enough for
 * the problem.
 *
 * @param wanted - The referenced object, as `Kind name`.
 */
export function pairOf(objects: readonly KubeObject[], rule: Rule, wanted?: string): Pair | undefined {
  const { findings } = evaluate(bundleWorld(objects, { complete: true, versions: controllerVersions }), objects, [
    rule,
  ]);
  const candidates = findings
    .toSorted((a, b) => GRAVITY.indexOf(a.class) - GRAVITY.indexOf(b.class))
    .map((finding) => ({ finding, referenced: referencedBy(finding, wanted) }));
  const found = candidates.find(({ finding, referenced }) =>
    finding.class === 'missing' ? wanted === undefined : referenced !== undefined,
  );
  if (found === undefined) return undefined;
  const { finding } = found;
  const referenced = finding.class === 'missing' ? undefined : found.referenced;
  const [referrer, last] = [finding.subject, referenced ?? finding.subject];
  const involved = [finding.object, ...finding.related.map((place) => place.object)];
  const spans = (admitted: KubeObject, known: ReadonlySet<ObjectKey>): boolean =>
    [admitted, ...involved].some(
      (object) =>
        namespaceOf(object) !== namespaceOf(referrer) &&
        !known.has(keyOf(object)) &&
        (namespaceOf(object) !== '' || keyOf(object) === keyOf(admitted)),
    );
  return {
    class: finding.class,
    referrer,
    referenced,
    others: objects.filter((object) => ![keyOf(referrer), keyOf(last)].includes(keyOf(object))),
    // A problem of the object itself does not involve other namespaces.
    foreign: {
      // The developer may get every object, and so may read why a reference of their own is wrong.
      referrerLast: spans(referrer, referenceKeys(referrer)),
      referencedLast:
        spans(last, new Set()) &&
        !findings.some((other) => other.class === 'invalid' && keyOf(other.subject) === keyOf(last)),
    },
  };
}

function referencedBy({ subject, object, related }: Finding, wanted: string | undefined): KubeObject | undefined {
  return [object, ...related.map((place) => place.object)].find(
    (other) =>
      keyOf(other) !== keyOf(subject) &&
      ADMITTED.has(other.kind) &&
      (wanted === undefined || `${other.kind} ${other.metadata.name}` === wanted),
  );
}

/** The ways in which an object can arrive that completes a conflict: in which order, and when. */
export const DOORS = [
  'referrer last',
  'referrer changed, nothing under way',
  'referrer changed, update under way',
  'referenced last',
  'referenced last, the Rollout being deleted',
  'referenced changed, nothing under way',
  'referenced changed, update under way',
  'referenced changed, by a strict policy',
] as const;
export type Door = (typeof DOORS)[number];

/**
 * Returns the expected reaction to an object at a door. This repeats the product's table of decisions independently.
 */
export function expectedReaction(pair: Pair, door: Door): 'denied' | 'warned' | 'nothing' {
  if (door === 'referenced last, the Rollout being deleted') return 'nothing';
  if (pair.class !== 'invalid') return 'warned';
  if (door.startsWith('referrer') ? pair.foreign.referrerLast : pair.foreign.referencedLast) return 'warned';
  return door === 'referenced changed, nothing under way' ? 'warned' : 'denied';
}

/** Returns whether the referenced object is invalid even if nothing refers to it. */
export function isInvalidAlone({ referrer, referenced, others }: Pair, rule: Rule): boolean {
  const without = [...others, ...(referenced === undefined ? [] : [referenced])].filter(
    (object) => keyOf(object) !== keyOf(referrer),
  );
  return evaluate(bundleWorld(without, { versions: controllerVersions }), without, [rule]).findings.some(
    ({ subject, object, related }) =>
      [subject, object, ...related.map((place) => place.object)].some(
        (each) => referenced !== undefined && keyOf(each) === keyOf(referenced),
      ),
  );
}

/**
 * Returns the Rollout of a pair with a bare strategy, before anything was wrong. Returns undefined if the referrer is
 * no Rollout, or if even the bare Rollout is invalid.
 */
export function bareRollout({ referrer, referenced, others }: Pair, rule: Rule): KubeObject | undefined {
  if (referrer.kind !== 'Rollout') return undefined;
  const right: KubeObject = { ...referrer, spec: { ...asObject(referrer['spec']), strategy: { canary: {} } } };
  const all = [...others, ...(referenced === undefined ? [] : [referenced]), right];
  return evaluate(bundleWorld(all, { complete: true, versions: controllerVersions }), [right], [rule]).findings
    .length === 0
    ? right
    : undefined;
}
