import type { Rule } from '../../../src/rules/define.ts';
import { evaluate } from '../../../src/rules/engine.ts';
import type { Finding, FindingClass } from '../../../src/rules/finding.ts';
import { bundleWorld } from '../../../src/world/manifests.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import { asObject } from '../../../src/world/read.ts';

/**
 * A contradiction between two objects, and what else there is: whichever of the two comes last is refused, or warned
 * about.
 */
export interface Pair {
  readonly class: FindingClass;
  /** The one that is judged, and the one that it refers to; undefined where what it refers to is not there. */
  readonly referrer: KubeObject;
  readonly referenced: KubeObject | undefined;
  readonly others: readonly KubeObject[];
  /**
   * Whether the two are in different namespaces, so that neither may block the other; a cluster-scoped object is in
   * none.
   */
  readonly foreign: { readonly referrerLast: boolean; readonly referencedLast: boolean };
}

// The kinds that the chart registers webhooks for.
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
 * In: the objects of a bad fixture, its rule, and optionally which object is to be the one referred to, as `Kind name`.
 * Out: the gravest contradiction in it that two objects make; undefined where one is enough.
 */
export function pairOf(objects: readonly KubeObject[], rule: Rule, wanted?: string): Pair | undefined {
  const { findings } = evaluate(bundleWorld(objects, { complete: true }), objects, [rule]);
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
  const spans = (admitted: KubeObject): boolean =>
    [admitted, ...involved].some(
      (object) =>
        namespaceOf(object) !== namespaceOf(referrer) &&
        (namespaceOf(object) !== '' || keyOf(object) === keyOf(admitted)),
    );
  return {
    class: finding.class,
    referrer,
    referenced,
    others: objects.filter((object) => ![keyOf(referrer), keyOf(last)].includes(keyOf(object))),
    // What is wrong in the object itself is nobody else's business.
    foreign: {
      referrerLast: spans(referrer),
      referencedLast:
        spans(last) && !findings.some((other) => other.class === 'invalid' && keyOf(other.subject) === keyOf(last)),
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

/** In which order, and when, an object arrives that completes a contradiction. */
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
 * In: a pair and a door. Out: what becomes of whoever comes through it: the table of decisions, written down once more.
 */
export function decided(pair: Pair, door: Door): 'denied' | 'warned' | 'nothing' {
  if (door === 'referenced last, the Rollout being deleted') return 'nothing';
  if (pair.class !== 'invalid') return 'warned';
  if (door.startsWith('referrer') ? pair.foreign.referrerLast : pair.foreign.referencedLast) return 'warned';
  return door === 'referenced changed, nothing under way' ? 'warned' : 'denied';
}

/** In: a pair. Out: whether the object referred to is found fault with though nobody refers to it. */
export function isWrongAlone({ referrer, referenced, others }: Pair, rule: Rule): boolean {
  const without = [...others, ...(referenced === undefined ? [] : [referenced])].filter(
    (object) => keyOf(object) !== keyOf(referrer),
  );
  return evaluate(bundleWorld(without), without, [rule]).findings.some(({ subject, object, related }) =>
    [subject, object, ...related.map((place) => place.object)].some(
      (each) => referenced !== undefined && keyOf(each) === keyOf(referenced),
    ),
  );
}

/**
 * In: a pair, and its rule. Out: its Rollout as it was when it had no more than the bare strategy, and nothing was
 * wrong with it; undefined where that is no Rollout, or where it is wrong all the same.
 */
export function bare({ referrer, referenced, others }: Pair, rule: Rule): KubeObject | undefined {
  if (referrer.kind !== 'Rollout') return undefined;
  const right: KubeObject = { ...referrer, spec: { ...asObject(referrer['spec']), strategy: { canary: {} } } };
  const all = [...others, ...(referenced === undefined ? [] : [referenced]), right];
  return evaluate(bundleWorld(all, { complete: true }), [right], [rule]).findings.length === 0 ? right : undefined;
}
