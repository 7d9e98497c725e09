/**
 * Does something until a deadline. Resolves by then at the latest, whether the work has ended or not. Work whose deadline
 * has passed already is not begun.
 *
 * @param deadline - Milliseconds since the epoch.
 * @param work - Ends early when its signal is aborted: by the deadline, or by `signal`.
 */
export async function byDeadline(
  deadline: number,
  signal: AbortSignal,
  work: (late: AbortSignal) => Promise<unknown>,
): Promise<void> {
  // A timer of 0 ms fires after a quick answer from this machine: what is late already is not asked at all.
  if (signal.aborted || Date.now() >= deadline) return;
  const late = new AbortController();
  const end = (): void => late.abort();
  const timer = setTimeout(end, deadline - Date.now());
  signal.addEventListener('abort', end, { once: true });
  const { promise: lapsed, resolve } = Promise.withResolvers<void>();
  late.signal.addEventListener('abort', () => resolve(), { once: true });
  // Credentials come from programs that no signal can stop.
  await Promise.race([work(late.signal), lapsed]);
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}
