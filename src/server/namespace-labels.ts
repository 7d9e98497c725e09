import type { Policy } from '../policy/policy.ts';
import { NAMESPACE_LABELS, unknownLabels, type UnknownLabel } from '../policy/unknown-labels.ts';
import type { World } from '../world/world.ts';
import type { Log } from './log.ts';
import { Poller } from './poller.ts';

/** What `NamespaceLabels` looks at. */
export interface NamespaceLabelSources {
  readonly world: World;
  policy(): Policy;
  /** Reports whether the namespaces have been read. */
  settled(): boolean;
}

// Someone may label every namespace of a large cluster with a name that does not exist.
const MOST_LINES = 20;

/** Logs labels of namespaces that name nothing in the policy, each once, and counts them. */
export class NamespaceLabels {
  readonly #sources: NamespaceLabelSources;
  readonly #log: Log;
  readonly #poller: Poller;
  #known: ReadonlySet<string> = new Set();

  /** @param interval - Milliseconds between two checks. */
  constructor(sources: NamespaceLabelSources, log: Log, interval: number) {
    this.#sources = sources;
    this.#log = log;
    this.#poller = new Poller(() => Promise.resolve(this.check()), interval);
  }

  /** Checks once. */
  check(): void {
    const { world, policy, settled } = this.#sources;
    if (!settled()) return;
    const found = unknownLabels(world, policy());
    const news = found.filter((entry) => !this.#known.has(keyOf(entry)));
    this.#known = new Set(found.map(keyOf));
    for (const { namespace, message, fix } of news.slice(0, MOST_LINES))
      this.#log.warn(
        { namespace: namespace.metadata.name, reason: `${message}: ${fix}` },
        'a label of a namespace has no effect',
      );
    if (news.length > MOST_LINES)
      this.#log.warn(
        { more: news.length - MOST_LINES },
        'more labels of namespaces have no effect; rollgate scan lists them',
      );
  }

  /** Returns the number of namespaces with an unknown value, by label. */
  counts(): Readonly<Record<string, number>> {
    const { world, policy } = this.#sources;
    const found = unknownLabels(world, policy());
    return Object.fromEntries(
      NAMESPACE_LABELS.map((label) => [label, found.filter((entry) => entry.label === label).length]),
    );
  }

  stop(): void {
    this.#poller.stop();
  }
}

function keyOf({ namespace, label, value }: UnknownLabel): string {
  return `${namespace.metadata.name} ${label} ${value}`;
}
