/**
 * How long things may take in the conversation with an API server, in milliseconds. Tests shorten them; the product has
 * no option for it.
 */
export interface Timing {
  /**
   * A watch is asked to last between these; at random, so that thirty of them do not end together. The API counts in
   * whole seconds.
   */
  readonly watch: readonly [shortest: number, longest: number];
  /** How long a watch may outlive the time it was asked to last before it counts as dropped. */
  readonly watchGrace: number;
  /**
   * The pause between two pings of a connection that watches share (HTTP/2); it counts as dropped when two in a row
   * were not answered.
   */
  readonly ping: number;
  /**
   * How long a watch that has been sent bookmarks (an API server sends one a minute) may be silent before it counts as
   * dropped.
   */
  readonly watchSilence: number;
  /** The first and the longest pause between attempts; each is up to twice the one before. */
  readonly backoff: readonly [first: number, longest: number];
  /** The pause between attempts to read a kind that may not be read. */
  readonly forbiddenPause: number;
  /**
   * How long the API server may refuse or fail a kind that was read before, until its content no longer counts as
   * known.
   */
  readonly forgetAfter: number;
  /** How long the first reading of a kind may fail before the rest goes on without it. */
  readonly giveUpWaiting: number;
  /** The pause between two looks at what is served, without and with a watch on CustomResourceDefinitions. */
  readonly discovery: readonly [unwatched: number, watched: number];
  /** When to look again after a CustomResourceDefinition changed: serving it lags behind. */
  readonly discoveryAfterChange: readonly number[];
  /** The longest that one request may take; for a watch, until its headers are there. */
  readonly request: number;
  /** Credentials are asked for again after this long; files and plugins have caches of their own. */
  readonly credentials: number;
  /**
   * Credentials that were refused are renewed no more often than this, however many requests are: plugins are programs.
   */
  readonly renewal: number;
  /** How long nothing may have been heard of a kind before the world counts as stale. */
  readonly stale: number;
}

export const TIMING: Timing = {
  watch: [300_000, 600_000],
  watchGrace: 15_000,
  ping: 5_000,
  watchSilence: 90_000,
  backoff: [500, 30_000],
  forbiddenPause: 120_000,
  forgetAfter: 60_000,
  giveUpWaiting: 30_000,
  discovery: [30_000, 300_000],
  discoveryAfterChange: [100, 1_000, 3_000, 10_000, 30_000],
  request: 60_000,
  credentials: 10_000,
  renewal: 5_000,
  stale: 300_000,
};
