import type { Change } from '../../src/admission/change.ts';
import { decideFindings, decisionContextOf } from '../../src/admission/decisions.ts';
import { introducedBy } from '../../src/admission/introduced.ts';
import { NEWER_FIELDS } from '../../src/documents/newer-field-list.ts';
import { documentFindings } from '../../src/documents/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { renderMessage, type Finding } from '../../src/rules/finding.ts';
import { bundleWorld, placeObjects, type Manifests } from '../../src/world/manifests.ts';
import { renderPath } from '../../src/world/path.ts';
import { isObject } from '../../src/world/read.ts';
import { references } from '../../src/world/references.ts';
import { keyOf, kindOf, type KindId, type KubeObject } from '../../src/world/object.ts';
import { parseVersion, SUPPORTED_VERSIONS, type RolloutsVersions } from '../../src/world/rollouts-versions.ts';
import { rolloutsRelease, type RolloutsVersion } from '../control-plane/versions.ts';
import type { Refusal } from './oracle.ts';
import { stricterMessages } from './stricter.ts';

/** Rollgate's verdict on a bundle that is applied to an empty cluster. */
export interface Verdict {
  readonly denials: readonly Finding[];
  /** References to missing objects, limited to those that upstream looks up, too. */
  readonly missing: readonly Finding[];
  readonly findings: readonly Finding[];
  /** Whether the versions find different VirtualServices for a name, so that rules about these were skipped. */
  readonly isInDoubt: boolean;
}

// The references that the controller resolves before it accepts a Rollout (rollout/controller.go,
// getRolloutReferencedResources).
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

/** Returns what a bundle is judged for with a version of Argo Rollouts: the one release that its oracle is built from. */
export function releasesOf(version: RolloutsVersion): RolloutsVersions {
  const release = rolloutsRelease(version);
  const versions = parseVersion(release);
  if (versions === undefined) throw new Error(`${release} is no release`);
  return versions;
}

/**
 * Returns the verdict of Rollgate's linter on objects that are applied together.
 *
 * @param versions - The releases of Argo Rollouts that they are judged for; by default they are unknown.
 */
export function ours(objects: readonly unknown[], versions: RolloutsVersions = SUPPORTED_VERSIONS): Verdict {
  const manifests = manifestsOf(objects);
  const { sources } = placeObjects(manifests.objects);
  const base = bundleWorld([], { complete: true, versions: () => versions });
  const changes = [...new Map(sources.map(({ object }) => [keyOf(object), object])).values()].map((after): Change => ({
    before: undefined,
    after,
  }));
  const introduced = introducedBy(base, changes, RULES);
  const found = [...introduced.findings, ...documentFindings(manifests, sources)];
  // A Rollout may name a VirtualService of another namespace. Upstream has no notion of namespaces that do not trust each other.
  const context = { ...decisionContextOf(DEFAULT_POLICY, base, false), trusted: () => true };
  const judged = decideFindings(found, changes, context);
  return {
    findings: found,
    denials: judged.filter(({ decision }) => decision === 'deny').map(({ finding }) => finding),
    missing: found.filter((finding) => isMissed(finding) || isMissedByAll(finding, found)),
    isInDoubt: introduced.skipped.some(({ reason }) => reason.startsWith('versions of Argo Rollouts find different')),
  };
}

// Upstream looks up the templates of an experiment only when it runs, and never looks up root Services.
function isMissed({ rule, messageId, class: severity, object, path }: Finding): boolean {
  if (severity !== 'missing') return false;
  const isExperiment = path.includes('experiment');
  if (messageId === 'nested' || rule === 'appmesh-routes') return !isExperiment;
  if (rule !== 'reference-exists') return false;
  const place = renderPath(path);
  const all = references(object);
  const reference = all.find((candidate) => renderPath(candidate.path) === place);
  if (reference?.kind === undefined || !LOOKED_UP.has(reference.kind) || reference.role === 'root') return false;
  // A missing object that is named in several places is reported at the first one.
  return !isExperiment || all.some(({ key, path: other }) => key === reference.key && !other.includes('experiment'));
}

// If each version looks for another object and none is there, then each of them is told on its own.
function isMissedByAll({ rule, versions, path }: Finding, found: readonly Finding[]): boolean {
  if (rule !== 'reference-exists' || versions === undefined || !('before' in versions)) return false;
  return found.some(
    (other) =>
      other.rule === rule &&
      renderPath(other.path) === renderPath(path) &&
      other.versions !== undefined &&
      'since' in other.versions &&
      other.versions.since === versions.before,
  );
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

/** The difference between two verdicts on one bundle. */
export interface Disagreement {
  readonly kind: 'only upstream refuses' | 'only Rollgate denies' | 'only upstream misses' | 'only Rollgate misses';
  readonly reasons: readonly string[];
}

/**
 * Returns the difference between the verdicts, or undefined. They differ if only one rejects the bundle, or if only one
 * reports a missing object. A denial by Rollgate alone is no difference if docs/agreement.md explains each of its
 * rules.
 */
export function disagreement(upstream: readonly Refusal[], { denials, missing }: Verdict): Disagreement | undefined {
  // Without that object nothing is as Rollgate sees it.
  if (upstream.some(isTypeOfNewerField)) return undefined;
  const refused = upstream.filter((refusal) => !refusal.missing);
  const missed = upstream.filter((refusal) => refusal.missing);
  const unexplained = denials.filter((finding) => !isExplained(finding));
  // An explained denial must not count as agreement with another reason: it would hide a reason that Rollgate misses.
  const hidden = refused.filter(({ text }) => !denials.some((finding) => isSameReason(finding, text)));
  if (hidden.length > 0 && unexplained.length === 0)
    return {
      kind: 'only upstream refuses',
      reasons: hidden.map(({ by, object, path, text }) => `${by}: ${object} ${path}: ${text}`),
    };
  if (refused.length === 0 && unexplained.length > 0)
    return { kind: 'only Rollgate denies', reasons: unexplained.map(said) };
  // A field that the API server drops or the controller does not read refers to nothing.
  if (refused.length > 0) return undefined;
  if (missed.length > 0 && missing.length === 0)
    return {
      kind: 'only upstream misses',
      reasons: missed.map(({ object, path, text }) => `${object} ${path}: ${text}`),
    };
  // If a template is missing, templates that include it are incomplete, even if no analysis uses them.
  const needed = missing.filter(({ subject }) => subject.kind === 'Rollout');
  if (missed.length === 0 && needed.length > 0) return { kind: 'only Rollgate misses', reasons: needed.map(said) };
  return undefined;
}

/**
 * Returns the difference between the verdicts of all versions of upstream and that of Rollgate if it does not know the
 * version, or undefined. What it denies or misses then, each of them must refuse; what all of them refuse for one reason,
 * it must deny.
 */
export function disagreementWithAll(
  upstream: readonly (readonly Refusal[])[],
  verdict: Verdict,
): Disagreement | undefined {
  for (const refusals of upstream) {
    const found = disagreement(refusals, verdict);
    if (found?.kind.startsWith('only Rollgate') === true) return found;
  }
  const [first = [], ...others] = upstream;
  const shared = first.filter((refusal) =>
    others.every((other) => other.some((theirs) => isSameRefusal(refusal, theirs))),
  );
  // A crash says nothing of its object: each version may have crashed over a VirtualService of its own.
  const told = shared.filter(({ text }) => !(verdict.isInDoubt && text.startsWith('upstream crashes')));
  const found = disagreement(told, verdict);
  return found?.kind.startsWith('only upstream') === true ? found : undefined;
}

// Each version has its own words for a reason. If a name means another object with each, the value is that object.
function isSameRefusal(one: Refusal, other: Refusal): boolean {
  return (
    one.by === other.by &&
    one.object === other.object &&
    one.path === other.path &&
    one.missing === other.missing &&
    valueIn(one.text) === valueIn(other.text)
  );
}

function valueIn(text: string): string | undefined {
  return /^Invalid value: ("[^"]*")/.exec(text)?.[1];
}

const PASSED_OVER = new Map(
  stricterMessages()
    .filter(({ generated }) => generated)
    .map((stricter) => [`${stricter.rule}/${stricter.message}`, stricter]),
);

/** Returns whether the comparison passes a denial over, because its rule says why upstream accepts it. */
export function isExplained({ rule, messageId }: Finding): boolean {
  return PASSED_OVER.has(`${rule}/${messageId}`);
}

// Rollgate does not know the types of fields that are newer than its schemas. The API server does.
function isTypeOfNewerField({ by, object, path }: Refusal): boolean {
  const [kind = ''] = object.split('/');
  return by === 'api server' && NEWER_FIELDS[kind]?.includes(path.replaceAll(/\[\d+\]/g, '[]')) === true;
}

function isSameReason({ rule, messageId }: Finding, text: string): boolean {
  return PASSED_OVER.get(`${rule}/${messageId}`)?.refusal?.test(text) === true;
}

/** Returns a finding on one line. */
export function said(finding: Finding): string {
  const { rule, messageId, object } = finding;
  return `${rule}/${messageId}: ${kindOf(object) ?? ''} ${object.metadata.name}: ${renderMessage(finding)}`;
}
