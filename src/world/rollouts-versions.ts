/** A release of Argo Rollouts. */
export type Release = readonly [major: number, minor: number, patch: number];

/** Releases from the least to the greatest, both included. */
export interface ReleaseRange {
  readonly min: Release;
  readonly max: Release;
}

/** The releases of Argo Rollouts that a world is judged for, and those of its plugins. */
export interface RolloutsVersions extends ReleaseRange {
  /** The releases of the Gateway API plugin; undefined if they are not known. */
  readonly gatewayPlugin?: ReleaseRange;
}

/** The releases that Rollgate supports: the two newest minors. */
export const SUPPORTED_VERSIONS: RolloutsVersions = { min: [1, 9, 0], max: [1, 10, Infinity] };

interface Change {
  /** The first release that has the change. */
  readonly since: Release;
  /** What that release does otherwise, as a sentence for docs/upgrading-argo-rollouts.md. */
  readonly what: string;
  /** Where upstream changed it. */
  readonly source: string;
}

/**
 * All changes of Argo Rollouts between the supported releases on which an answer of Rollgate, or a fact in
 * docs/upstream-facts.md, depends. Found by comparing the sources of v1.9.3 and v1.10.1.
 */
export const UPSTREAM_CHANGES = {
  pingPongWithPlugins: {
    since: [1, 10, 0],
    what: '`pingPong` works with router plugins too, not only with AWS ALB and Istio.',
    source: '`pkg/apis/rollouts/validation` (ValidateRolloutStrategyCanary)',
  },
  mirrorRouteWithPlugins: {
    since: [1, 10, 0],
    what: '`setMirrorRoute` is accepted with router plugins too. Whether the plugin does something with it is up to the plugin.',
    source: '`pkg/apis/rollouts/validation` (ValidateRolloutStrategyCanary)',
  },
  virtualServiceNamespaceIsLast: {
    since: [1, 10, 0],
    what:
      'In the name of a VirtualService the last segment is the namespace and all before it the name; `.cluster.local` at the end is ' +
      'cut. Before, the first segment was the name, the second the namespace, and the rest was ignored.',
    source: '`utils/istio` (GetVirtualServiceNamespaceName)',
  },
  datadogRequestTimeout: {
    since: [1, 10, 0],
    what:
      'Datadog metrics have `requestTimeout`. Before, the API server drops the field, and requests end after 10 seconds. A value that ' +
      'is not a positive duration makes every measurement an error.',
    source: '`metricproviders/datadog` (validateIncomingProps)',
  },
  traefikGroupIsNew: {
    since: [1, 10, 0],
    what:
      'The controller looks for TraefikServices of `traefik.io/v1alpha1`. Before, it looked for `traefik.containo.us/v1alpha1`. The ' +
      'flag `--traefik-api-version` of the controller sets another version.',
    source: '`utils/defaults` (DefaultTraefikVersion)',
  },
  exprIs117: {
    since: [1, 10, 0],
    what:
      'Conditions are evaluated by expr 1.17. Before, it was expr 1.15, which has fewer functions, no `if`, no texts in backticks, no ' +
      '`1 < result < 5` and no comma after the last argument, and for which a list of numbers never equals one that is written down.',
    source: '`utils/evaluate` (EvalCondition)',
  },
  minPodsAreCapped: {
    since: [1, 10, 0],
    what: '`minPodsPerReplicaSet` counts as at most `spec.replicas`. Before, a higher value made the controller reconcile without end.',
    source: '`utils/replicaset` (CheckMinPodsPerReplicaSet)',
  },
  unreadableRunsInPart: {
    since: [1, 10, 0],
    what:
      'The controller reads a Rollout, in the alphabetical order of its fields, as far as the first quantity that is invalid, and runs ' +
      'that: later fields and containers are missing from its pods. Before, it was `InvalidSpec` if another container follows.',
    source: '`utils/tolerantinformer` (coerceToTyped)',
  },
  privilegedIsValidated: {
    since: [1, 10, 1],
    what:
      '`privileged: true` is part of what is validated: it is rejected with `allowPrivilegeEscalation: false` and in Windows pods, ' +
      'and makes Bidirectional mounts valid. Before, it was ignored.',
    source: '`pkg/apis/rollouts/validation` (ValidateRolloutSpec)',
  },
} as const satisfies Readonly<Record<string, Change>>;

/**
 * The newest release of the Gateway API plugin that Rollgate has been compared with. Up to it, the plugin reads TCPRoutes
 * and TLSRoutes as v1alpha2, and does nothing with `setMirrorRoute` and `maxTrafficWeight`. Source: Gateway API plugin
 * v0.15.0, `pkg/plugin`.
 */
export const NEWEST_KNOWN_GATEWAY_PLUGIN: Release = [0, 15, 0];

/**
 * Returns whether the Gateway API plugin may be one that Rollgate has been compared with. What is true of these says nothing
 * about newer ones.
 */
export function mayBeKnownGatewayPlugin({ gatewayPlugin }: RolloutsVersions): boolean {
  const [major, minor] = NEWEST_KNOWN_GATEWAY_PLUGIN;
  return gatewayPlugin === undefined || compareReleases(gatewayPlugin.min, [major, minor, Infinity]) <= 0;
}

/**
 * Returns whether every release of the Gateway API plugin that may be in use is one that Rollgate has been compared with.
 * If none is named, it is a released one, and none is newer.
 */
export function isKnownGatewayPlugin({ gatewayPlugin }: RolloutsVersions): boolean {
  const [major, minor] = NEWEST_KNOWN_GATEWAY_PLUGIN;
  return gatewayPlugin === undefined || compareReleases(gatewayPlugin.max, [major, minor, Infinity]) <= 0;
}

/** The name of a change. */
export type UpstreamChange = keyof typeof UPSTREAM_CHANGES;

/** Which releases something is true of: those before a change, or those that have it. */
export type OfVersions = { readonly before: UpstreamChange } | { readonly since: UpstreamChange };

/**
 * Returns whether something is true of all releases that a world is judged for, of some of them, or of none.
 *
 * @param which - Undefined if it is true of all that there are.
 */
export function versionsMatching(
  { min, max }: RolloutsVersions,
  which: OfVersions | undefined,
): 'all' | 'some' | 'none' {
  if (which === undefined) return 'all';
  const isBefore = 'before' in which;
  const { since } = UPSTREAM_CHANGES[isBefore ? which.before : which.since];
  if (compareReleases(min, since) >= 0) return isBefore ? 'none' : 'all';
  return compareReleases(max, since) < 0 ? (isBefore ? 'all' : 'none') : 'some';
}

/** Returns the releases in words: `Argo Rollouts before 1.10`, `Argo Rollouts 1.10.1 and later`. */
export function versionsTitle(which: OfVersions): string {
  return 'before' in which
    ? `Argo Rollouts before ${releaseText(UPSTREAM_CHANGES[which.before].since)}`
    : `Argo Rollouts ${releaseText(UPSTREAM_CHANGES[which.since].since)} and later`;
}

/** Returns a negative number, 0 or a positive number, as the first release is before, the same as or after the second. */
export function compareReleases(a: Release, b: Release): number {
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing < 0 ? 0 : (a[differing] ?? 0) < (b[differing] ?? 0) ? -1 : 1;
}

// 1.10.0 is the first of its minor, so the minor alone says it.
function releaseText([major, minor, patch]: Release): string {
  return patch === 0 ? `${major}.${minor}` : `${major}.${minor}.${patch}`;
}

/** Returns a range in words: `1.9.3`, `1.9.3 to 1.10.1`, `1.9 to 1.10` for all releases of these minors. */
export function rangeText({ min, max }: ReleaseRange): string {
  const isOpen = max[2] === Infinity;
  const end = (release: Release, isWhole: boolean): string => release.slice(0, isWhole ? 2 : 3).join('.');
  const [from, to] = [end(min, isOpen && (min[2] === 0 || min[2] === Infinity)), end(max, isOpen)];
  return from === to ? from : `${from} to ${to}`;
}

/** Reports whether two ranges are the same. */
function isSameRange(a: ReleaseRange, b: ReleaseRange): boolean {
  return compareReleases(a.min, b.min) === 0 && compareReleases(a.max, b.max) === 0;
}

/** Reports whether two worlds are judged for the same releases, those of plugins included. */
export function areSameVersions(a: RolloutsVersions, b: RolloutsVersions): boolean {
  const [one, other] = [a.gatewayPlugin, b.gatewayPlugin];
  const isSamePlugin = one === undefined || other === undefined ? one === other : isSameRange(one, other);
  return isSameRange(a, b) && isSamePlugin;
}

const VERSION = /^v?(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?$/;

/**
 * Returns the releases that a version names, or undefined. `1.10` and `v1.10` are all releases of that minor, `1.10.2`
 * is one.
 * Anything after the numbers makes it unknown: a build of one's own may behave in any way.
 */
export function parseVersion(text: string): ReleaseRange | undefined {
  const [, major, minor, patch] = VERSION.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const of = (last: number): Release => [Number(major), Number(minor), last];
  return { min: of(patch === undefined ? 0 : Number(patch)), max: of(patch === undefined ? Infinity : Number(patch)) };
}

/** A range of releases within those that are supported. */
export interface SupportedRange {
  readonly versions: RolloutsVersions;
  /** Whether the range that was given goes beyond what is supported. */
  readonly isClamped: boolean;
}

/** Returns the range from the least to the greatest release of several ranges; undefined if there is none. */
export function unionOf(ranges: readonly ReleaseRange[]): ReleaseRange | undefined {
  return ranges.reduce<ReleaseRange | undefined>(
    (all, { min, max }) => ({
      min: all === undefined || compareReleases(min, all.min) < 0 ? min : all.min,
      max: all === undefined || compareReleases(max, all.max) > 0 ? max : all.max,
    }),
    undefined,
  );
}

/** Returns the range from the least to the greatest release of several ranges, within what is supported. */
export function supportedRange(ranges: readonly ReleaseRange[]): SupportedRange {
  const given = unionOf(ranges);
  if (given === undefined) return { versions: SUPPORTED_VERSIONS, isClamped: false };
  const versions = { min: clamp(given.min), max: clamp(given.max) };
  const isClamped = compareReleases(given.min, versions.min) !== 0 || compareReleases(given.max, versions.max) !== 0;
  return { versions, isClamped };
}

function clamp(release: Release): Release {
  const { min, max } = SUPPORTED_VERSIONS;
  if (compareReleases(release, min) < 0) return min;
  return compareReleases(release, max) > 0 ? max : release;
}
