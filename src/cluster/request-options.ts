import {
  Observable,
  type ConfigurationOptions,
  type ObservableMiddleware,
  type RequestContext,
} from '@kubernetes/client-node';

// Credentials that are part of the connection (client certificates) are replaced in time to.
const CONNECTIONS_KEPT = 60_000;

/**
 * In: milliseconds that one request may take, and a clock that never goes back. Out: options for the client library,
 * which has no time-out of its own, and opens connections of their own for each request: some fifty handshakes for one
 * dry run.
 */
export function requestOptions(timeout: number, now: () => number): ConfigurationOptions<ObservableMiddleware> {
  let kept: { readonly dispatcher: Dispatcher; readonly since: number } | undefined;
  const middleware: ObservableMiddleware = {
    pre(context) {
      context.setSignal(AbortSignal.timeout(timeout));
      const fresh = context.getDispatcher();
      if (fresh !== undefined) {
        const old = kept;
        if (old === undefined || now() - old.since >= CONNECTIONS_KEPT) kept = { dispatcher: fresh, since: now() };
        const unused = kept === old ? fresh : old?.dispatcher;
        // What is under way on it is waited for.
        unused?.close().catch(() => undefined);
        if (kept !== undefined) context.setDispatcher(kept.dispatcher);
      }
      return new Observable(Promise.resolve(context));
    },
    post: (context) => new Observable(Promise.resolve(context)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: 'append' };
}

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;
