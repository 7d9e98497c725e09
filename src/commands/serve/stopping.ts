import type { Log } from '../../server/log.ts';
import type { RunningServer } from '../../server/server.ts';
import { messageOf } from '../../world/error.ts';

/** The longest time to stop, in milliseconds. Kubernetes gives a pod 30 s. Draining takes at most 25 s of them. */
export const STOP_LIMIT = 27_000;

/** What is to be stopped. */
export interface Stopping {
  readonly running: Pick<RunningServer, 'stop'>;
  readonly log: Log;
  /** Ends the process. */
  leave(): Promise<void>;
}

/**
 * Returns the handler of signals to stop. It stops the server gracefully, on a second signal at once, and then leaves. It
 * leaves after `STOP_LIMIT` even if the server does not stop.
 */
export function stopOnSignal({ running, log, leave }: Stopping): (signal: NodeJS.Signals) => void {
  return (signal) => {
    log.info({ signal }, 'asked to stop');
    setTimeout(() => {
      log.error('stopping took too long; exiting');
      void leave();
    }, STOP_LIMIT).unref();
    void running
      .stop()
      .catch((error: unknown) => log.error({ reason: messageOf(error) }, 'stopping failed'))
      .then(leave);
  };
}
