import { isBeingDeleted } from '../world/rollout.ts';
import { kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey, keyOf } from '../world/object.ts';
import { references } from '../world/references.ts';
import type { World } from '../world/world.ts';
import type { Rule, Run } from './define.ts';
import { type Finding, type Report, type Skipped } from './finding.ts';

/** The rule id under which a rule that threw is reported. */
export const INTERNAL_ERROR = 'internal-error';

/** When to stop judging: asked between units of work. */
export interface Budget {
  /** Out: why no more may be judged, or undefined to go on. */
  spent(): string | undefined;
}

/**
 * In: a world, the subjects to judge in it, the rules, and optionally a budget. Out: what they found, what could not be judged, and what was
 * looked at. Never throws: a rule that does becomes a finding `internal-error`. Subjects that no budget is left for are skipped, by name.
 */
export function evaluate(world: World, subjects: Iterable<KubeObject>, rules: readonly Rule[], budget?: Budget): Report & { readonly touched: ReadonlySet<KindId> } {
  const run: Run = { world, findings: [], skipped: [], consulted: new Set(), touched: new Set() };
  for (const subject of subjects) {
    const kind = kindOf(subject);
    if (kind === undefined || isBeingDeleted(subject)) continue;
    const reason = budget?.spent();
    if (reason !== undefined) {
      run.skipped.push({ rule: '*', subject, reason });
      continue;
    }
    for (const rule of rulesFor(rules, kind)) {
      try {
        rule.run(run, subject);
      } catch (error) {
        run.findings.push(internalError(rule, subject, error));
      }
    }
  }
  return run;
}

const byKind = new WeakMap<readonly Rule[], Map<KindId, readonly Rule[]>>();

function rulesFor(rules: readonly Rule[], kind: KindId): readonly Rule[] {
  let map = byKind.get(rules);
  if (map === undefined) {
    map = new Map();
    byKind.set(rules, map);
  }
  let list = map.get(kind);
  if (list === undefined) {
    list = rules.filter((rule) => rule.subject.includes(kind));
    map.set(kind, list);
  }
  return list;
}

function internalError(rule: Rule, subject: KubeObject, error: unknown): Finding {
  const detail = error instanceof Error ? error.message : String(error);
  return {
    rule: INTERNAL_ERROR,
    messageId: rule.id,
    class: 'invalid',
    subject,
    object: subject,
    path: [],
    related: [],
    anchor: rule.id,
    message: `the rule ${rule.id} failed: ${detail.replaceAll(/\s+/g, ' ').slice(0, 200)}`,
    fix: 'report this to the maintainers of Rollgate, with the manifest',
    rests: new Set(),
  };
}

// Through these kinds a change reaches the subjects behind them: a Service through the VirtualService that sends to it.
const CONDUITS: ReadonlySet<KindId> = new Set([
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
  'Ingress.networking.k8s.io',
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
  'Deployment.apps',
  'ReplicaSet.apps',
  'PodTemplate',
]);

/**
 * In: a world and an object in it (or one that just left it). Out: every object whose judgement that object can change: itself, what refers to it, what
 * refers to those through routes, templates and workloads, and those that share a workload or pods with it. Costs in proportion to these
 * references, whatever else the world holds.
 */
export function touchedBy(world: World, changed: KubeObject): KubeObject[] {
  const found = new Map<ObjectKey, KubeObject>([[keyOf(changed), changed]]);
  const queue: ObjectKey[] = [keyOf(changed), ...references(changed).filter((reference) => reference.shared).map((reference) => reference.key)];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const referrer of world.referrers(next)) {
      const key = keyOf(referrer);
      if (found.has(key)) continue;
      found.set(key, referrer);
      const kind = kindOf(referrer);
      if (kind !== undefined && CONDUITS.has(kind)) queue.push(key);
    }
  }
  return [...found.values()];
}

/** In: skips. Out: them without repetition, in a fixed order. */
export function sortSkipped(skipped: readonly Skipped[]): Skipped[] {
  const unique = new Map(skipped.map((skip) => [[skip.rule, keyOf(skip.subject), skip.reason].join('\n'), skip]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, skip]) => skip);
}

/** In: a subject. Out: its name with its namespace, as a person is told. */
export function title(subject: KubeObject): string {
  const namespace = namespaceOf(subject);
  return `${subject.kind} ${namespace === '' ? '' : `${namespace}/`}${subject.metadata.name}`;
}
