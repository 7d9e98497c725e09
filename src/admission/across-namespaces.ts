import type { Work } from '../rules/engine.ts';
import type { Finding } from '../rules/finding.ts';
import { keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { referenceKeys } from '../world/references.ts';
import type { Change } from './change.ts';
import { crossesNamespaces, decideFindings, isDenial, type DecisionContext } from './decisions.ts';

// Each one is a question to the API server. A Rollout drives two or three objects of other namespaces at most.
const MOST_QUESTIONS = 4;
// So many findings take less than a millisecond.
const FINDINGS_OF_SLICE = 200;

/**
 * Returns the objects of other namespaces that a changed object refers to, and without which it would be denied: at most
 * four. If the user may get one, they may read why.
 *
 * What the changed object does not name, such as a Rollout of another namespace on the same route, is not among them:
 * nobody may block the writes of others.
 */
export function* deniedAcross(
  findings: readonly Finding[],
  change: Change,
  context: DecisionContext,
): Work<ReadonlyMap<ObjectKey, KubeObject>> {
  const others = new Map<ObjectKey, KubeObject>();
  const { after } = change;
  if (after === undefined) return others;
  const subject = keyOf(after);
  let own: ReadonlySet<ObjectKey> | undefined;
  for (const [index, finding] of findings.entries()) {
    if (index % FINDINGS_OF_SLICE === FINDINGS_OF_SLICE - 1) yield;
    if (keyOf(finding.subject) !== subject || !crossesNamespaces(finding, after, context)) continue;
    if (!decideFindings([finding], [change], { ...context, trusted: () => true }).some(isDenial)) continue;
    own ??= referenceKeys(after);
    for (const object of foreignOf(finding, after)) {
      const key = keyOf(object);
      const isTrusted = context.trusted(namespaceOf(after), namespaceOf(object));
      if (own.has(key) && !isTrusted) others.set(key, object);
      if (others.size === MOST_QUESTIONS) return others;
    }
  }
  return others;
}

/** Returns the objects of a finding that are in another namespace than the admitted one. */
function foreignOf({ object, related }: Finding, admitted: KubeObject): KubeObject[] {
  return [object, ...related.map((place) => place.object)].filter(
    (other) => namespaceOf(other) !== '' && namespaceOf(other) !== namespaceOf(admitted),
  );
}
