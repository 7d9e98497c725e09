import type { Reconciler } from '../policy/reconcilers.ts';
import { INTERNAL_ERROR } from '../rules/engine.ts';
import type { Skipped } from '../rules/finding.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { crossesNamespaces, isAcrossObjects, type DecidedFinding, type DecisionContext } from './decisions.ts';
import { RULE_TAG } from './attribution.ts';
import type { MigratedDeployment } from './migration/migrate.ts';
import { warningsOf } from './warning-lines.ts';
import { problemWith } from './preserve.ts';
import { renderFinding, type RenderedFinding } from './rendered-finding.ts';
import type { Told } from './told.ts';
import { allowed, refused, type AdmissionResponse, type Extras } from './response.ts';
import type { Request } from './review.ts';

/** What was decided about one request, for the log and the metrics; no objects in it. */
export interface DecisionRecord {
  readonly verdict: 'allow' | 'warn' | 'deny' | 'exempt';
  /** Why it was not evaluated, where it was not. */
  readonly exempt?: string;
  /** `failed` is the rule that threw, if the finding is `internal-error`. */
  readonly findings: readonly {
    readonly rule: string;
    readonly decision: 'deny' | 'warn';
    /** Set if it is a warning only because the policy audits. */
    readonly wouldDeny?: true;
    readonly failed?: string;
  }[];
  /** Whether the messages tell of an object of another namespace, because the user may get it. */
  readonly revealing?: true;
  /** What the user was told about the findings, a line each. */
  readonly messages?: readonly string[];
  readonly skipped: readonly Skipped[];
  /** The ids of the keeps that changed something. */
  readonly kept: readonly string[];
  readonly breakGlass?: string;
  /** Whether keeps are off because no controller account is known. */
  readonly keepsOff?: boolean;
  /** Set where the controller or a router plugin seems to write under an account that is not known. */
  readonly tripwire?: string;
  /** Why the patch did not apply, and was therefore not sent. */
  readonly badPatch?: string;
}

/** An answer to the API server, and what there is to log about it. */
export interface GateAnswer {
  readonly response: AdmissionResponse;
  readonly record: DecisionRecord;
}

/** What is kept of an object, and what there is to log about it. */
export interface PreservedAnswer {
  readonly extras: Extras;
  readonly record: Partial<DecisionRecord>;
}

const NO_RECORD: DecisionRecord = { verdict: 'allow', findings: [], skipped: [], kept: [] };

/** Returns the answer to a request that is not evaluated. */
export function exemptAnswer({ uid }: Request, why: string): GateAnswer {
  return { response: allowed(uid), record: { ...NO_RECORD, verdict: 'exempt', exempt: why } };
}

/** Returns the answer to a request about which there is nothing to say. */
export function plainAnswer({ uid }: Request): GateAnswer {
  return { response: allowed(uid), record: NO_RECORD };
}

/**
 * Returns the answer of the mutating side. A patch that does not apply to the object is not sent.
 *
 * @param migrated - What was made of a Deployment, before what is kept.
 */
export function mutatedAnswer(
  { uid }: Request,
  object: KubeObject,
  migrated: MigratedDeployment | undefined,
  { extras, record }: PreservedAnswer,
): GateAnswer {
  const patch = [...(migrated?.operations ?? []), ...(extras.patch ?? [])];
  const badPatch = problemWith(object, patch);
  if (badPatch !== undefined) return { response: allowed(uid), record: { ...NO_RECORD, badPatch } };
  const warnings = [...(migrated?.notes ?? []), ...(extras.warnings ?? [])];
  return { response: allowed(uid, { ...extras, patch, warnings }), record: { ...NO_RECORD, ...record } };
}

/** What the validating side decided about a request. */
export interface Decided {
  readonly findings: readonly DecidedFinding[];
  /** Those of them that the user is told. */
  readonly told: Told;
  readonly skipped: readonly Skipped[];
  /** Who overrode the denials among the findings, and why. */
  readonly breakGlass: string | undefined;
  /** What else the user is told, a line each. */
  readonly warnings: readonly string[];
}

/** Returns the answer of the validating side: a denial if one of the findings is denied, else warnings. */
export function validatedAnswer(
  request: Request,
  object: KubeObject,
  { findings, told, skipped, breakGlass, warnings: first }: Decided,
  context: DecisionContext,
): GateAnswer {
  const deleted = request.operation === 'DELETE';
  const { rules } = context.settings(namespaceOf(object));
  const audience = audienceOf(request, context);
  const rendered = told.findings.map((entry) => {
    const { finding, decision } = entry;
    const foreign = crossesNamespaces(finding, object, audience);
    return {
      finding,
      decision,
      foreign,
      text: renderFinding(finding, object, {
        foreign,
        operation: request.operation,
        denied: decision === 'deny',
        ...toolOf(entry, context),
      }),
      // A deletion brings nothing, and what will be denied in enforce mode is not fine.
      ownLine: foreign || deleted || rules[finding.rule] === 'deny',
    };
  });
  const causes = rendered.filter(({ decision }) => decision === 'deny').map(({ text }) => text);
  const warnings = warningsOf(oncePerForeign(rendered.filter(({ decision }) => decision === 'warn')));
  const { more } = told;
  const verdict = causes.length > 0 ? 'deny' : warnings.length > 0 ? 'warn' : 'allow';
  const extras: Extras = {
    // First, since it explains the others, and since the last ones are left out where there are many.
    warnings: [...first, ...warnings],
    moreWarnings: more.warn,
    audit: {
      ...(verdict === 'allow' ? {} : { verdict, rules: unique(findings.map(({ finding }) => finding.rule)).join(',') }),
      ...(skipped.length === 0
        ? {}
        : {
            skipped: unique(skipped.map(({ rule }) => rule))
              .sort()
              .join(','),
          }),
      ...(breakGlass === undefined ? {} : { 'break-glass': breakGlass }),
    },
  };
  return {
    response:
      causes.length > 0
        ? refused(request.uid, object, { reasons: causes, more: more.deny }, extras)
        : allowed(request.uid, extras),
    record: {
      verdict,
      findings: findings.map(({ finding, decision, wouldDeny }) => ({
        rule: finding.rule,
        decision,
        ...(wouldDeny === undefined ? {} : { wouldDeny }),
        ...(finding.rule === INTERNAL_ERROR ? { failed: finding.messageId } : {}),
      })),
      ...(context.known === undefined ? {} : { revealing: true }),
      messages: [...causes.map(({ text }) => text), ...warnings],
      skipped,
      kept: [],
      ...(breakGlass === undefined ? {} : { breakGlass }),
    },
  };
}

// What a program may read, it shows to people who may not: Argo CD and Flux copy a denial into the status of what they
// apply.
function audienceOf({ user }: Request, context: DecisionContext): DecisionContext {
  if (context.reconciler === undefined && !user.username.startsWith('system:serviceaccount:')) return context;
  const { known: _, ...others } = context;
  return others;
}

function toolOf({ finding, decision }: DecidedFinding, { reconciler }: DecisionContext): Pick<Reconciler, 'tool'> {
  const tool = reconciler?.settings.tool;
  return tool === undefined || decision !== 'deny' || !isAcrossObjects(finding) ? {} : { tool };
}

// Each rule has its own tag. How many rules there are to it would tell more than that the other object exists.
function oncePerForeign<T extends { readonly foreign: boolean; readonly text: RenderedFinding }>(
  warned: readonly T[],
): T[] {
  const said = new Set<string>();
  return warned.filter(({ foreign, text: { text } }) => {
    if (!foreign) return true;
    const about = text.replace(RULE_TAG, '');
    const isFirst = !said.has(about);
    said.add(about);
    return isFirst;
  });
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
