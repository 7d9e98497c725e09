import type { Operation } from 'fast-json-patch';
import { groupOf, type KubeObject } from '../world/object.ts';
import type { RenderedFinding } from './rendered-finding.ts';
import { fitWarnings } from './rendered-finding.ts';

/** The answer to the API server (`AdmissionResponse` of admission.k8s.io/v1). */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: Status;
  readonly patchType?: 'JSONPatch';
  /** Base64 of the JSON Patch. */
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** Why a request was denied (`metav1.Status`). */
export interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly group: string;
    readonly kind: string;
    readonly name: string;
    readonly causes: readonly { readonly reason: string; readonly field: string; readonly message: string }[];
  };
}

/** Returns the AdmissionReview that carries a response. */
export function reviewOf(response: AdmissionResponse): {
  apiVersion: string;
  kind: string;
  response: AdmissionResponse;
} {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

/** What else an answer may carry. */
export interface Extras {
  readonly patch?: readonly Operation[];
  readonly warnings?: readonly string[];
  readonly audit?: Readonly<Record<string, string>>;
}

/** Returns the answer that allows a request. */
export function allowed(uid: string, extras: Extras = {}): AdmissionResponse {
  return {
    uid,
    allowed: true,
    ...(extras.patch !== undefined && extras.patch.length > 0
      ? { patchType: 'JSONPatch' as const, patch: Buffer.from(JSON.stringify(extras.patch)).toString('base64') }
      : {}),
    ...shared(extras),
  };
}

/**
 * Returns the answer that denies a request, in the form in which the API server itself rejects an invalid object: 422,
 * reason Invalid, one cause for each finding, duplicates merged. kubectl prints the causes with their fields, Argo CD
 * the message.
 *
 * @param reasons - At least one.
 */
export function refused(
  uid: string,
  object: KubeObject,
  reasons: readonly RenderedFinding[],
  extras: Extras = {},
): AdmissionResponse {
  const causes = [...new Map(reasons.map((reason) => [`${reason.field}\n${reason.text}`, reason])).values()];
  const lines = causes.map(({ field, text }) => (field === '' ? text : `${field}: ${text}`));
  const title = `${object.kind} "${object.metadata.name}" is invalid`;
  return {
    uid,
    allowed: false,
    status: {
      code: 422,
      reason: 'Invalid',
      message:
        lines.length === 1
          ? `${title}: ${lines[0]}`
          : `${title}: ${lines.length} things are wrong:\n${lines.map((line) => `- ${line}`).join('\n')}`,
      details: {
        group: groupOf(object.apiVersion),
        kind: object.kind,
        name: object.metadata.name,
        causes: causes.map(({ field, text }) => ({ reason: 'FieldValueInvalid', field, message: text })),
      },
    },
    ...shared(extras),
  };
}

/**
 * Returns the answer to a request that could not be read.
 *
 * @param uid - Empty if the body had none.
 * @param code - The HTTP status code.
 */
export function unreadable(uid: string, code: number, message: string): AdmissionResponse {
  return { uid, allowed: false, status: { code, reason: 'BadRequest', message } };
}

function shared(extras: Extras): Pick<AdmissionResponse, 'warnings' | 'auditAnnotations'> {
  const warnings = fitWarnings(extras.warnings ?? []);
  const audit = extras.audit ?? {};
  return {
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(Object.keys(audit).length > 0 ? { auditAnnotations: audit } : {}),
  };
}
