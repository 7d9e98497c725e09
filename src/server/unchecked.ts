import { decisionContextOf } from '../admission/decisions.ts';
import type { GateAnswer } from '../admission/gate.ts';
import { allowed } from '../admission/response.ts';
import type { Request } from '../admission/review.ts';
import { decisionOnTooLarge, type Policy } from '../policy/policy.ts';
import type { World } from '../world/world.ts';
import { MAX_BODY } from './body.ts';
import type { Refusal } from './body-lanes.ts';

/** Why a review is not checked: its size, what it would become in memory, or too many large ones at once. */
export type Unchecked = 'too large' | Exclude<Refusal, 'no room'>;

const REASONS: Readonly<Record<Unchecked, string>> = {
  'too large': `its review is larger than ${MAX_BODY} bytes: make the object smaller`,
  'too heavy': 'its review has too many fields and list items: make the object smaller',
  'no turn': 'too many large reviews are in progress: try again, or make the object smaller',
};

/** Returns what is wrong with a body that is not an AdmissionReview. */
export function whyNotRead(why: Exclude<Unchecked, 'no turn'>): string {
  return why === 'too large'
    ? `the body is larger than ${MAX_BODY} bytes`
    : 'the body has too many objects, lists and values';
}

/** What decides about a review that is not checked. */
export interface UncheckedParts {
  readonly world: World;
  policy(): Policy;
  exemptionOf(request: Request): string | undefined;
}

/**
 * Returns the answer to a review of which only the head was read. An HTTP error would leave the decision to the failure
 * policy, which does not know why. Both webhooks answer with the same text: the API server shows it once.
 */
export function uncheckedAnswer(
  request: Request,
  why: Unchecked,
  { world, policy, exemptionOf }: UncheckedParts,
): GateAnswer {
  const { uid, operation } = request;
  const exempt = exemptionOf(request);
  if (exempt !== undefined)
    return { response: allowed(uid), record: { verdict: 'exempt', exempt, findings: [], skipped: [], kept: [] } };
  const settings = decisionContextOf(policy(), world, false).settings(request.namespace);
  const verdict = decisionOnTooLarge(operation === 'CONNECT' ? 'UPDATE' : operation, settings);
  const name = request.name === '' ? request.kind : `${request.kind} "${request.name}"`;
  const text = `${name} could not be checked: ${REASONS[why]}`;
  const record = {
    verdict,
    findings: [],
    skipped: [{ rule: '*', subject: subjectOf(request), reason: REASONS[why] }],
    kept: [],
  };
  const audit = { verdict, skipped: '*' };
  if (verdict === 'warn') return { response: allowed(uid, { warnings: [text], audit }), record };
  const status = { code: 413, reason: 'RequestEntityTooLarge', message: `${text} [rollgate, onTooLarge: deny]` };
  return { response: { uid, allowed: false, status, auditAnnotations: audit }, record };
}

function subjectOf({ apiVersion, kind, name, namespace }: Request): GateAnswer['record']['skipped'][number]['subject'] {
  return { apiVersion, kind, metadata: { name, ...(namespace === '' ? {} : { namespace }) } };
}
