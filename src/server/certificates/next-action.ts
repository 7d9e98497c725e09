/** When a certificate is valid, in milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate authority. Its id is the fingerprint of its certificate. */
export interface Authority extends Validity {
  readonly id: string;
}

/** What the Secret and the webhook configurations contain. Whatever cannot be used is left out. */
export interface CertificateState {
  /** The authority that issues certificates, if the Secret has its key. */
  readonly authority: Authority | undefined;
  /** The authority that replaces it, if a rotation has begun and the Secret has its key. */
  readonly next: Authority | undefined;
  /** The ids of the authorities in `ca.crt`: the one that issues, and those before it. The newest is first. */
  readonly trusted: readonly string[];
  /** The certificate that replicas serve, if it has its key, the wanted names and a trusted issuer. */
  readonly serving: (Validity & { readonly issuer: string }) | undefined;
  /** The ids of the certificates in the `caBundle` of each webhook. */
  readonly bundles: readonly (readonly string[])[];
  /** What a person asked to renew. */
  readonly requested: 'certificate' | 'ca' | undefined;
}

/** The times that decide, in milliseconds. */
export interface Times {
  /** Since the epoch. */
  readonly now: number;
  /** For how long this process has seen the same `next` in all bundles, by a monotonic clock. */
  readonly nextTrusted: number;
  /** For how long this process has seen the same serving certificate in the Secret, by a monotonic clock. */
  readonly served: number;
}

/** A step. Each is one write, or two for `trust`, and may be repeated. */
export type CertificateAction =
  /** Nothing is served and nothing is trusted: writes an authority and a certificate. */
  | { readonly kind: 'create' }
  /** Writes the next authority, and the ids of the authorities that stay trusted. */
  | { readonly kind: 'prepare'; readonly trusted: readonly string[] }
  /** Sets the `caBundle` of all webhooks to these ids. */
  | { readonly kind: 'trust'; readonly ids: readonly string[] }
  /** Writes a certificate of the next authority, which becomes the one that issues. */
  | { readonly kind: 'switch' }
  /** Writes a new certificate of the authority. */
  | { readonly kind: 'renew' }
  /** Removes the earlier authorities from `ca.crt`. No bundle has them any more. */
  | { readonly kind: 'retire'; readonly trusted: readonly string[] }
  | { readonly kind: 'wait' };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long an authority is valid. */
export const AUTHORITY_LIFETIME = 365 * DAY;
/** How long a serving certificate is valid at most. */
export const CERTIFICATE_LIFETIME = 90 * DAY;
/** Certificates are valid from this long before they are issued: the clocks of API servers differ. */
export const BACKDATED = HOUR;

// Each API server learns of a changed webhook configuration by a watch.
const PROPAGATION = 30_000;
// For replicas that cannot read the Secret for some time. They read it every few seconds.
const OVERLAP = DAY;
// The clock of the leader may jump. This does not depend on it.
const LEAST_OVERLAP = 10 * MINUTE;
// An authority issues nothing in its last day: such a certificate would be due at once.
const LAST_DAY = DAY;
// So that repeated rotations do not fill the Secret and the webhook configurations.
const MOST_TRUSTED = 8;

/**
 * Returns the next step towards a fresh certificate that the API servers trust. At any time, the process may end before
 * or after a step, and another one continues. The order of the steps guarantees that the certificate that a replica
 * serves, or served until a moment ago, was issued by an authority in all bundles.
 */
export function nextAction(state: CertificateState, times: Times): CertificateAction {
  const { next, trusted, bundles } = state;
  const pending = next !== undefined && isFresh(next, times.now) ? next : undefined;
  // Before all else, because this needs no right to change the webhook configurations.
  if (isRenewalDue(state, times.now)) return { kind: 'renew' };
  if (hasForeign(state) || (pending === undefined && isRotationDue(state, times.now))) return begin(state);
  const retires = pending === undefined && mayRetire(state, times);
  const kept = retires ? trusted.slice(0, 1) : trusted;
  const ids = pending === undefined ? kept : [pending.id, ...kept];
  if (bundles.some((bundle) => !areSame(bundle, ids))) return { kind: 'trust', ids };
  if (pending !== undefined) return { kind: times.nextTrusted >= PROPAGATION ? 'switch' : 'wait' };
  // The bundles first: what is only in a bundle counts as that of another tool.
  return retires ? { kind: 'retire', trusted: kept } : { kind: 'wait' };
}

/** Reports whether a step does what a person asked for. A renewal that was due anyway is no new authority. */
export function fulfills({ kind }: CertificateAction, { requested }: Pick<CertificateState, 'requested'>): boolean {
  return kind === 'create' || (requested === 'ca' ? kind === 'prepare' : kind === 'renew');
}

function isRenewalDue({ authority, serving, requested }: CertificateState, now: number): boolean {
  if (authority === undefined || !isValid(authority, now) || now >= authority.notAfter - LAST_DAY) return false;
  return requested === 'certificate' || serving?.issuer !== authority.id || !isFresh(serving, now);
}

/**
 * Reports whether a rotation has to begin, if none goes on. A next authority that the clock has made useless is replaced,
 * never ignored: as long as the Secret has its key, another process may issue from it, so it has to stay in the bundles.
 */
function isRotationDue({ authority, next, requested }: CertificateState, now: number): boolean {
  return authority === undefined || !isFresh(authority, now) || next !== undefined || requested === 'ca';
}

/**
 * Reports whether a bundle trusts somebody whom the Secret does not know. Pods with that certificate may still run: of
 * another mode of the chart, or from before an older Secret was restored. It is trusted for the time of one rotation.
 */
function hasForeign({ next, trusted, bundles }: CertificateState): boolean {
  return (
    trusted.length < MOST_TRUSTED &&
    bundles.some((bundle) => bundle.some((id) => id !== next?.id && !trusted.includes(id)))
  );
}

/**
 * Begins a rotation. Replicas may still serve what was issued by an authority that only the bundles name: the Secret was
 * emptied, or another tool provided the certificate before.
 */
function begin({ trusted, bundles }: CertificateState): CertificateAction {
  const known = [...new Set([...trusted, ...bundles.flat()])];
  return known.length === 0 ? { kind: 'create' } : { kind: 'prepare', trusted: known.slice(0, MOST_TRUSTED) };
}

function mayRetire({ authority, trusted, serving }: CertificateState, { now, served }: Times): boolean {
  if (serving === undefined || trusted.length < 2 || authority?.id !== trusted[0]) return false;
  return served >= LEAST_OVERLAP && now >= serving.notBefore + BACKDATED + OVERLAP;
}

function isValid({ notBefore, notAfter }: Validity, now: number): boolean {
  return notBefore <= now && now < notAfter;
}

/** The last third of the lifetime is left for the renewal. */
function isFresh(validity: Validity, now: number): boolean {
  const { notBefore, notAfter } = validity;
  return notBefore <= now && now < notBefore + ((notAfter - notBefore) * 2) / 3;
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}
