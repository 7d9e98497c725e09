import {
  Observable,
  setHeaderMiddleware,
  type ConfigurationOptions,
  type ObservableMiddleware,
  type PatchStrategy,
  type RequestContext,
} from '@kubernetes/client-node';

// In milliseconds. Credentials that are part of the connection (client certificates) must be replaced in time too.
const CONNECTION_LIFETIME = 60_000;

/**
 * Returns options for the client library, which has no timeout of its own and opens new connections for each request:
 * some fifty handshakes for one dry run.
 * @param timeout - Milliseconds that one request may take.
 * @param now - A monotonic clock.
 */
export function requestOptions(timeout: number, now: () => number): ConfigurationOptions<ObservableMiddleware> {
  let current: { readonly dispatcher: Dispatcher; readonly since: number } | undefined;
  const middleware: ObservableMiddleware = {
    pre(context) {
      context.setSignal(AbortSignal.timeout(timeout));
      const fresh = context.getDispatcher();
      if (fresh !== undefined) {
        const old = current;
        if (old === undefined || now() - old.since >= CONNECTION_LIFETIME)
          current = { dispatcher: fresh, since: now() };
        const unused = current === old ? fresh : old?.dispatcher;
        // Waits for its requests in progress.
        unused?.close().catch(() => undefined);
        if (current !== undefined) context.setDispatcher(current.dispatcher);
      }
      return new Observable(Promise.resolve(context));
    },
    post: (context) => new Observable(Promise.resolve(context)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: 'append' };
}

/**
 * Returns options for patches of one kind.
 *
 * @param options - Options of `requestOptions`.
 */
export function patchOptions(
  options: ConfigurationOptions<ObservableMiddleware>,
  strategy: PatchStrategy,
): ConfigurationOptions<ObservableMiddleware> {
  return { ...options, middleware: [...(options.middleware ?? []), setHeaderMiddleware('Content-Type', strategy)] };
}

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;
