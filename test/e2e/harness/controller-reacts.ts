import type { KubeObject } from '../../../src/world/object.ts';
import type { Api } from './api.ts';
import { until } from './program.ts';

// In milliseconds.
const NUDGES_AFTER = 1_000;

let nudges = 0;

/**
 * Changes an annotation of a Rollout so that the controller reconciles it, and returns it. One change may not be enough:
 * the controller stores the answers to its own writes in its cache, over newer versions from its watch. What changed in
 * between, an abort or a promotion in the status for example, then goes unnoticed until the Rollout changes again.
 */
export function nudge(admin: Api, namespace: string, name: string): Promise<KubeObject> {
  return admin.patch(
    { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', namespace, name },
    { metadata: { annotations: { nudge: String(++nudges) } } },
  );
}

/**
 * Waits for what the controller does about a Rollout, and returns what `look` gave. The Rollout is changed now and then:
 * see {@link nudge}. It need not exist yet.
 *
 * @param what - What is awaited, for the error if it does not come.
 * @param look - Returns undefined or false as long as it has not come.
 * @param within - In milliseconds.
 */
export async function controllerReacts<T>(
  admin: Api,
  { namespace, name }: { namespace: string; name: string },
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  within?: number,
): Promise<T> {
  let nudged = Date.now();
  const lookAgain = async (): Promise<T | undefined | false> => {
    const found = await look();
    // A nudge after it has come would make the controller work while the test goes on.
    const isThere = found !== undefined && found !== false;
    if (!isThere && Date.now() - nudged >= NUDGES_AFTER) {
      await nudge(admin, namespace, name);
      nudged = Date.now();
    }
    return found;
  };
  return until(what, lookAgain, within === undefined ? {} : { within });
}
