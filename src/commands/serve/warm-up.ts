import { Gate, type GateAnswer } from '../../admission/gate.ts';
import { reviewOf } from '../../admission/response.ts';
import { parseReview } from '../../admission/review.ts';
import { DEFAULT_POLICY } from '../../policy/policy.ts';
import { PRESERVERS } from '../../preserve/index.ts';
import { RULES } from '../../rules/index.ts';
import type { KubeObject } from '../../world/object.ts';
import { storeOf } from '../../world/store.ts';
import { SAMPLE, SAMPLE_EDITS } from './warm-up-sample.ts';

/** What the warm-up did. */
export interface WarmedUp {
  /** How many reviews it judged. */
  readonly reviews: number;
  /** The verdicts of the first round, in the order of the edits. */
  readonly verdicts: readonly GateAnswer['record']['verdict'][];
}

// More make the first requests no faster.
const ROUNDS = 40;

/**
 * Judges ordinary reviews until the code for them is compiled, or the time is over, so that the first requests do not
 * wait for that. The gate and the world are its own: nothing is logged, counted or asked of a cluster.
 *
 * @param expired - Returns whether the time is over. At least one round is judged.
 * @throws an error if an edit of the sample changes nothing
 */
export async function warmUp(expired: () => boolean): Promise<WarmedUp> {
  const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const gate = new Gate({
    world: storeOf(SAMPLE),
    rules: RULES,
    keeps: PRESERVERS,
    policy: () => DEFAULT_POLICY,
    discovered: () => ['system:serviceaccount:argo-rollouts:argo-rollouts'],
    now: Date.now,
    pause,
  });
  const limits = { deadline: Number.MAX_SAFE_INTEGER, maxSubjects: 1_000, maxOperations: 500_000 };
  const bodies = SAMPLE.flatMap((object) =>
    SAMPLE_EDITS.filter(({ of }) => of === object.metadata.name).map(({ edit }) => bodyFor(object, edit)),
  );
  const verdicts: WarmedUp['verdicts'][number][] = [];
  let reviews = 0;
  for (let round = 0; round < ROUNDS && (round === 0 || !expired()); round++) {
    for (const body of bodies) {
      const parsed = parseReview(JSON.parse(body));
      if (!parsed.ok) throw new Error(parsed.error);
      await gate.mutate(parsed.request, limits);
      const { response, record } = await gate.validate(parsed.request, limits);
      JSON.stringify(reviewOf(response));
      if (round === 0) verdicts.push(record.verdict);
      reviews++;
    }
    await pause();
  }
  return { reviews, verdicts };
}

function bodyFor(object: KubeObject, edit: readonly [before: string, after: string]): string {
  const oldObject = JSON.stringify(object);
  const changed = oldObject.replace(...edit);
  if (changed === oldObject) throw new Error(`no change: ${edit[0]}`);
  const { kind, apiVersion, metadata } = object;
  const [version, group = ''] = apiVersion.split('/').reverse();
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '00000000-0000-4000-8000-000000000000',
      kind: { group, version, kind },
      name: metadata.name,
      namespace: metadata['namespace'],
      operation: 'UPDATE',
      userInfo: { username: 'warm-up' },
      object: JSON.parse(changed) as unknown,
      oldObject: object,
    },
  });
}
