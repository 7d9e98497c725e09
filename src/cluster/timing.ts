/**
 * Time limits and pauses in the communication with an API server, in milliseconds. Tests shorten them; users have no
 * option for them.
 */
export interface Timing {
  /**
   * The range of the requested duration of a watch; random, so that thirty of them do not end together. The API counts
   * in whole seconds.
   */
  readonly watch: readonly [shortest: number, longest: number];
  /** How long a watch may outlive its requested duration before it counts as dropped. */
  readonly watchGrace: number;
  /**
   * The pause between two pings of an HTTP/2 connection that watches share. After two unanswered pings in a row it
   * counts as dropped.
   */
  readonly ping: number;
  /** How long a watch with bookmarks (an API server sends one a minute) may be silent before it counts as dropped. */
  readonly watchSilence: number;
  /** The first and the longest pause between attempts; each is up to twice the previous one. */
  readonly backoff: readonly [first: number, longest: number];
  /** The pause between attempts to read a kind without permission. */
  readonly forbiddenPause: number;
  /** How long reads of a known kind may fail until its objects count as unknown. */
  readonly forgetAfter: number;
  /** How long the first read of a kind may fail before startup continues without it. */
  readonly giveUpWaiting: number;
  /** The pause between two API discoveries, without and with a watch on CustomResourceDefinitions. */
  readonly discovery: readonly [unwatched: number, watched: number];
  /** When to repeat API discovery after a CustomResourceDefinition changed: the API server serves it with a delay. */
  readonly discoveryAfterChange: readonly number[];
  /** The longest that one request may take; for a watch, until its headers arrive. */
  readonly request: number;
  /** How long credentials are cached; files and plugins have caches of their own. */
  readonly credentials: number;
  /**
   * The shortest pause between two renewals of rejected credentials, however many requests there are: plugins are
   * programs.
   */
  readonly renewal: number;
  /** The pause between two checks whether objects that did not fit into the cache fit now. */
  readonly refill: number;
  /** How long a kind may have no data from the API server before the world counts as stale. */
  readonly stale: number;
}

/** The times of a cluster that is served. */
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
  refill: 60_000,
  stale: 300_000,
};
