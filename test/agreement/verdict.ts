import type { Change } from '../../src/admission/change.ts';
import { decideFindings, decisionContextOf } from '../../src/admission/decisions.ts';
import { introducedBy } from '../../src/admission/introduced.ts';
import { documentFindings } from '../../src/documents/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import type { Finding } from '../../src/rules/finding.ts';
import { bundleWorld, placeObjects, type Manifests } from '../../src/world/manifests.ts';
import { renderPath } from '../../src/world/path.ts';
import { isObject } from '../../src/world/read.ts';
import { references } from '../../src/world/references.ts';
import { keyOf, kindOf, type KindId, type KubeObject } from '../../src/world/object.ts';
import { EXPLAINED, explainedIds } from './explained.ts';
import type { Refusal } from './oracle.ts';

/** What Rollgate says to a bundle, applied to an empty cluster. */
export interface Verdict {
  readonly denials: readonly Finding[];
  /** The references that upstream looks up too and that lead nowhere. */
  readonly missing: readonly Finding[];
  readonly findings: readonly Finding[];
}

// What the controller looks up before it takes a Rollout (rollout/controller.go, getRolloutReferencedResources).
const LOOKED_UP: ReadonlySet<KindId> = new Set<KindId>([
  'Service',
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
  'Ingress.networking.k8s.io',
  'VirtualService.networking.istio.io',
  'Mapping.getambassador.io',
  'VirtualService.appmesh.k8s.aws',
  'Deployment.apps',
  'ReplicaSet.apps',
  'PodTemplate',
]);

/** In: objects that are applied together. Out: what Rollgate's linter makes of them. */
export function ours(objects: readonly unknown[]): Verdict {
  const manifests = manifestsOf(objects);
  const { sources } = placeObjects(manifests.objects);
  const base = bundleWorld([], { complete: true });
  const changes = [...new Map(sources.map(({ object }) => [keyOf(object), object])).values()].map((after): Change => ({
    before: undefined,
    after,
  }));
  const found = [...introducedBy(base, changes, RULES).findings, ...documentFindings(manifests, sources)];
  const judged = decideFindings(found, changes, decisionContextOf(DEFAULT_POLICY, base, false));
  return {
    findings: found,
    denials: judged.filter(({ decision }) => decision === 'deny').map(({ finding }) => finding),
    missing: found.filter(isMissed),
  };
}

// Upstream looks for the templates of an experiment only when it runs, and for root Services never.
function isMissed({ rule, messageId, class: severity, object, path }: Finding): boolean {
  if (severity !== 'missing') return false;
  const isExperiment = path.includes('experiment');
  if (messageId === 'nested' || rule === 'appmesh-routes') return !isExperiment;
  if (rule !== 'reference-exists') return false;
  const place = renderPath(path);
  const all = references(object);
  const reference = all.find((candidate) => renderPath(candidate.path) === place);
  if (reference?.kind === undefined || !LOOKED_UP.has(reference.kind) || reference.role === 'root') return false;
  // What is named in several places is reported at the first.
  return !isExperiment || all.some(({ key, path: other }) => key === reference.key && !other.includes('experiment'));
}

function manifestsOf(objects: readonly unknown[]): Manifests {
  const start = { line: 1, column: 1 };
  return {
    objects: objects
      .filter(isKubeObject)
      .map((object, document) => ({ object, file: 'bundle', document, position: () => start })),
    errors: [],
    duplicateKeys: [],
  };
}

function isKubeObject(value: unknown): value is KubeObject {
  return (
    isObject(value) &&
    isObject(value['metadata']) &&
    typeof value['metadata']['name'] === 'string' &&
    typeof value['kind'] === 'string' &&
    typeof value['apiVersion'] === 'string'
  );
}

/** Where the two differ. */
export interface Disagreement {
  readonly kind: 'only upstream refuses' | 'only Rollgate denies' | 'only upstream misses' | 'only Rollgate misses';
  readonly reasons: readonly string[];
}

/**
 * In: both verdicts on a bundle. Out: where they differ: one refuses what the other takes, or one says that something
 * is missing and the other does not. What only Rollgate denies is left out where each of its denials comes of a rule
 * that docs/agreement.md explains.
 */
export function disagreement(upstream: readonly Refusal[], { denials, missing }: Verdict): Disagreement | undefined {
  const refused = upstream.filter((refusal) => !refusal.missing);
  const missed = upstream.filter((refusal) => refusal.missing);
  const unexplained = denials.filter((finding) => !isExplained(finding));
  // What is explained stands for no other reason than its own, lest it hide one that Rollgate misses.
  const hidden = refused.filter(({ text }) => !denials.some((finding) => isSameReason(finding, text)));
  if (hidden.length > 0 && unexplained.length === 0)
    return {
      kind: 'only upstream refuses',
      reasons: hidden.map(({ by, object, path, text }) => `${by}: ${object} ${path}: ${text}`),
    };
  if (refused.length === 0 && unexplained.length > 0)
    return { kind: 'only Rollgate denies', reasons: unexplained.map(said) };
  // What the API server does not store, or the controller does not read, refers to nothing.
  if (refused.length > 0) return undefined;
  if (missed.length > 0 && missing.length === 0)
    return {
      kind: 'only upstream misses',
      reasons: missed.map(({ object, path, text }) => `${object} ${path}: ${text}`),
    };
  // A template that another one names is missed with it, whether an analysis uses that or not.
  const needed = missing.filter(({ subject }) => subject.kind === 'Rollout');
  if (missed.length === 0 && needed.length > 0) return { kind: 'only Rollgate misses', reasons: needed.map(said) };
  return undefined;
}

const EXPLAINED_IDS: ReadonlySet<string> = new Set(explainedIds());

/** In: a finding. Out: whether docs/agreement.md says why it is right although upstream does not refuse. */
export function isExplained({ rule, messageId }: Finding): boolean {
  return EXPLAINED_IDS.has(`${rule}/${messageId}`);
}

const REASONS: ReadonlyMap<string, RegExp> = new Map(
  EXPLAINED.flatMap(({ upstream }) => Object.entries(upstream ?? {})),
);

function isSameReason({ rule, messageId }: Finding, text: string): boolean {
  return REASONS.get(`${rule}/${messageId}`)?.test(text) === true;
}

/** In: a finding. Out: it on one line. */
export function said({ rule, messageId, object, message }: Finding): string {
  return `${rule}/${messageId}: ${kindOf(object) ?? ''} ${object.metadata.name}: ${message}`;
}
