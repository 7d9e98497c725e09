import { messageOf } from '../world/error.ts';

/** A condition for readiness. */
export interface HealthCheck {
  readonly name: string;
  /** Whether the process is ready although the check fails. */
  readonly isWarning?: boolean;
  /** Returns the reason why the check fails, or undefined. */
  failing(): string | undefined;
}

/** The result of a check. */
export interface CheckResult {
  readonly name: string;
  /** Why it fails, or undefined. */
  readonly why: string | undefined;
  /** As of `HealthCheck`. */
  readonly isWarning: boolean;
}

/** The metrics in the format of Prometheus. */
export interface MetricsText {
  readonly type: string;
  readonly body: string;
}

/** What the thread of the health port asks the main thread for. */
export type HealthTopic = 'checks' | 'metrics';

/** A message from the main thread. `metrics` is undefined if they could not be written. */
export type ToHealthThread =
  | { readonly topic: 'checks'; readonly results: readonly CheckResult[] }
  | { readonly topic: 'metrics'; readonly metrics: MetricsText | undefined };

/** A message from the thread of the health port. */
export type FromHealthThread =
  | { readonly ask: HealthTopic }
  | { readonly listening: number }
  | { readonly failed: { readonly message: string; readonly code: string | undefined; readonly port: number } };

/** After how many milliseconds without a sign of the main thread the health port reports that. */
export interface HealthLimits {
  /** Since the last heartbeat: then `/livez` fails. */
  readonly live: number;
  /** Since the last evaluation of the checks: then `/readyz` fails. */
  readonly ready: number;
}

/** What the thread of the health port starts with. */
export interface HealthThreadData {
  readonly host: string | undefined;
  readonly port: number;
  readonly limits: HealthLimits;
  /** One 64-bit number: the time of the last heartbeat of the main thread, on the clock of `clockNow`, in milliseconds. */
  readonly heartbeat: SharedArrayBuffer;
}

/** Returns milliseconds of a monotonic clock that all threads of the process share. */
export function clockNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** Evaluates all checks. A check that throws fails. */
export function evaluate(checks: readonly HealthCheck[]): CheckResult[] {
  return checks.map((check) => {
    const { name, isWarning = false } = check;
    try {
      return { name, isWarning, why: check.failing() };
    } catch (error) {
      return { name, isWarning, why: `the check failed: ${messageOf(error)}` };
    }
  });
}
