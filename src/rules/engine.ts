import { memo } from '../world/memo.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import { sharedKeys } from '../world/references.ts';
import type { World } from '../world/world.ts';
import type { Rule, Run } from './define.ts';
import { RuleIndex } from './rule-index.ts';
import { type Finding, type Report, type Skipped } from './finding.ts';
import { messageOf } from '../world/error.ts';

/** The rule id under which a rule that threw is reported. */
export const INTERNAL_ERROR = 'internal-error';

/** Decides when to stop checking. It is asked before each subject. */
export interface Budget {
  /** Returns why no more subjects may be checked, or undefined to continue. */
  spent(): string | undefined;
}

/**
 * Checks the subjects in a world and returns the findings, the skips and the objects that the rules looked up. Never
 * throws: a rule that throws becomes a finding `internal-error`. When the budget is spent, each remaining subject is
 * reported as skipped.
 */
export function evaluate(
  world: World,
  subjects: Iterable<KubeObject>,
  rules: readonly Rule[],
  budget?: Budget,
): Report & { readonly kindsRead: ReadonlySet<KindId> } {
  const run: Run = { world, findings: [], skipped: [], lookedUp: new Set(), kindsRead: new Set() };
  const index = RuleIndex.of(rules);
  for (const subject of subjects) {
    const kind = kindOf(subject);
    if (kind === undefined || isBeingDeleted(subject)) continue;
    const reason = budget?.spent();
    if (reason !== undefined) {
      run.skipped.push({ rule: '*', subject, reason });
      continue;
    }
    const { alone, across } = index.forSubject(kind);
    const own = checkedAlone(alone, subject);
    run.findings.push(...own.findings);
    run.skipped.push(...own.skipped);
    runAll(across, run, subject);
  }
  return run;
}

function runAll(rules: readonly Rule[], run: Run, subject: KubeObject): void {
  for (const rule of rules) {
    try {
      rule.run(run, subject);
    } catch (error) {
      run.findings.push(internalError(rule, subject, error));
    }
  }
}

const NO_WORLD: World = {
  get: () => ({ state: 'unknown', reason: 'this rule says that it looks at nothing else' }),
  list: () => ({ state: 'unknown', reason: 'this rule says that it looks at nothing else' }),
  referrers: () => [],
};

type Own = Pick<Run, 'findings' | 'skipped'>;

const CLEAN: Own = { findings: [], skipped: [] };
const ownFindings = memo((_subject: KubeObject) => new Map<readonly Rule[], Own>());

// A rule that reads only its subject always finds the same in it. For an object that stays in the cache, one run is
// enough.
function checkedAlone(rules: readonly Rule[], subject: KubeObject): Own {
  const byRules = ownFindings(subject);
  let own = byRules.get(rules);
  if (own === undefined) {
    const run: Run = { world: NO_WORLD, findings: [], skipped: [], lookedUp: new Set(), kindsRead: new Set() };
    runAll(rules, run, subject);
    own =
      run.findings.length === 0 && run.skipped.length === 0 ? CLEAN : { findings: run.findings, skipped: run.skipped };
    byRules.set(rules, own);
  }
  return own;
}

function internalError(rule: Rule, subject: KubeObject, error: unknown): Finding {
  const detail = messageOf(error);
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
    dependsOn: new Set(),
  };
}

// A change reaches further subjects through these kinds, such as a Service through the VirtualService that sends to it.
const CONDUITS: ReadonlySet<KindId> = new Set([
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
  'Ingress.networking.k8s.io',
  'VirtualService.appmesh.k8s.aws',
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
  'Deployment.apps',
  'ReplicaSet.apps',
  'PodTemplate',
]);

/**
 * Returns every object whose findings changes of objects can affect. These are the objects themselves, those that refer
 * to them, also through routes, templates and workloads, and those that share a workload or pods with them. The
 * cost grows only with the number of these references, not with the size of the world.
 *
 * @param world - A world that contains one of the versions, or neither.
 * @param versions - The objects before and after the changes.
 */
export function affectedSubjects(world: World, versions: readonly KubeObject[]): KubeObject[] {
  const found = new Map(versions.map((version) => [keyOf(version), version]));
  const keys = new Set(versions.flatMap((version) => [keyOf(version), ...sharedKeys(version)]));
  // A cluster-scoped template names AnalysisTemplates in the namespace of each Rollout that uses it.
  for (const version of versions)
    if (kindOf(version) === 'AnalysisTemplate.argoproj.io')
      keys.add(keyFor('AnalysisTemplate.argoproj.io', '', version.metadata.name));
  const queue = [...keys];
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

/** Returns the skips without duplicates, in a fixed order. */
export function sortSkipped(skipped: readonly Skipped[]): Skipped[] {
  const unique = new Map(skipped.map((skip) => [[skip.rule, keyOf(skip.subject), skip.reason].join('\n'), skip]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, skip]) => skip);
}

/** Returns the kind, namespace and name of a subject, as reports name it. */
export function title(subject: KubeObject): string {
  const namespace = namespaceOf(subject);
  return `${subject.kind} ${namespace === '' ? '' : `${namespace}/`}${subject.metadata.name}`;
}
