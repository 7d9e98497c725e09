import { Counter, Gauge, type Registry } from 'prom-client';
import type { KindId } from '../world/object.ts';
import { rangeText, type SupportedRange } from '../world/rollouts-versions.ts';

/** The state of the cached objects of one kind. */
export interface CacheState {
  readonly kind: KindId;
  readonly synced: boolean;
  /** Seconds since the last response or event from the API server for this kind. */
  readonly staleness: number;
  /** Objects of which only the name is kept, because they are too large or the cache is full. */
  readonly nameOnly: number;
}

/** The values that the metrics read when they are scraped. */
export interface MetricSources {
  readonly version: string;
  readonly rules: readonly string[];
  readonly keeps: readonly string[];
  /** Returns the number of admission requests in progress. */
  inFlight(): number;
  /** Returns the number of log lines that were dropped since the start. */
  droppedLogLines(): number;
  /** Reports whether no controller account is known, so that nothing is kept. */
  keepsOff(): boolean;
  /** Returns how many accounts look like those of a controller, outside the namespaces that the policy names. */
  untrustedControllers(): number;
  /** Returns the releases of Argo Rollouts that requests are judged for. */
  versions(): SupportedRange;
  caches(): readonly CacheState[];
  /** Returns the estimated bytes of all cached objects. */
  cacheBytes(): number;
}

/** Registers a gauge whose value is read when it is scraped. */
export function collectedGauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
  collect: (gauge: Gauge<Label>) => void,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      collect(this);
    },
  });
}

/** Registers a counter whose value somebody else counts. */
export function collectedTotal(registry: Registry, name: string, help: string, count: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(count());
    },
  });
}

/** Registers the metrics whose values are read when they are scraped. */
export function registerSources(registry: Registry, sources: MetricSources): void {
  collectedGauge(registry, 'rollgate_in_flight', 'Admission requests in progress.', [], (gauge) =>
    gauge.set(sources.inFlight()),
  );
  collectedTotal(
    registry,
    'rollgate_log_lines_dropped_total',
    'Log lines that were dropped because standard output did not take them.',
    () => sources.droppedLogLines(),
  );
  collectedGauge(
    registry,
    'rollgate_keeps_off',
    '1 while no account of an Argo Rollouts controller is known, so nothing is kept.',
    [],
    (gauge) => gauge.set(sources.keepsOff() ? 1 : 0),
  );
  collectedGauge(
    registry,
    'rollgate_untrusted_controllers',
    'Accounts that look like those of Argo Rollouts controllers, outside the namespaces that the policy names.',
    [],
    (gauge) => gauge.set(sources.untrustedControllers()),
  );
  collectedGauge(
    registry,
    'rollgate_rollouts_versions',
    'The versions of Argo Rollouts that requests are checked for; 0 if a controller or the policy has an unsupported one.',
    ['versions'],
    (gauge) => {
      const { versions, isClamped } = sources.versions();
      gauge.reset();
      gauge.set({ versions: rangeText(versions) }, isClamped ? 0 : 1);
    },
  );
  collectedGauge(
    registry,
    'rollgate_cache_synced',
    '1 if the objects of the kind have been read.',
    ['kind'],
    (gauge) => {
      gauge.reset();
      for (const { kind, synced } of sources.caches()) gauge.set({ kind }, synced ? 1 : 0);
    },
  );
  collectedGauge(
    registry,
    'rollgate_cache_staleness_seconds',
    'Seconds since the last response or event from the API server for the kind.',
    ['kind'],
    (gauge) => {
      gauge.reset();
      for (const { kind, staleness } of sources.caches()) gauge.set({ kind }, staleness);
    },
  );
  collectedGauge(registry, 'rollgate_cache_bytes', 'Memory of all cached objects, estimated.', [], (gauge) =>
    gauge.set(sources.cacheBytes()),
  );
  collectedGauge(
    registry,
    'rollgate_cache_name_only',
    'Objects of which only the name is kept, because they are too large or the cache is full.',
    ['kind'],
    (gauge) => {
      gauge.reset();
      for (const { kind, nameOnly } of sources.caches()) gauge.set({ kind }, nameOnly);
    },
  );
  collectedGauge(registry, 'rollgate_build_info', 'The version of this process.', ['version'], (gauge) =>
    gauge.set({ version: sources.version }, 1),
  );
}
