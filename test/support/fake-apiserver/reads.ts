import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../../src/world/object.ts';
import { inView, refuse, reply, shown, type View } from './requests.ts';
import { isBuiltIn, keyIn, titleOf } from './resources.ts';
import type { Table } from './store.ts';

/** What is left of a list that is read in pages, as it was when its first page was read. */
interface Snapshot {
  readonly items: readonly KubeObject[];
  readonly offset: number;
  readonly version: number;
}

/** How lists behave. Tests change this while the server runs, so it is read each time. */
export interface ListSettings {
  readonly pageSize: number;
  readonly expiring: boolean;
}

/** Answers requests for single objects and for lists. */
export class Reads {
  readonly #settings: ListSettings;
  readonly #newestVersion: () => number;
  readonly #snapshots = new Map<string, Snapshot>();
  #nextToken = 0;

  constructor(settings: ListSettings, newestVersion: () => number) {
    this.#settings = settings;
    this.#newestVersion = newestVersion;
  }

  get(table: Table, view: View, response: ServerResponse): void {
    const stored = table.objects.get(keyIn(table.resource, view.namespace, view.name ?? ''));
    if (stored === undefined)
      return refuse(response, 404, 'NotFound', `${titleOf(table.resource)} "${view.name ?? ''}" not found`, {
        name: view.name,
        kind: table.resource.plural,
      });
    reply(response, shown(stored.object, view, true));
  }

  list(table: Table, view: View, query: URLSearchParams, response: ServerResponse): void {
    const token = query.get('continue');
    let snapshot: Snapshot | undefined;
    if (token === null) {
      const items = [...table.objects.values()].map(({ object }) => object).filter((object) => inView(object, view));
      snapshot = { items, offset: 0, version: this.#newestVersion() };
    } else {
      snapshot = this.#snapshots.get(token);
      if (snapshot === undefined || this.#settings.expiring)
        return refuse(response, 410, 'Expired', 'The provided continue parameter is too old');
    }
    const { items, offset, version } = snapshot;
    const { pageSize } = this.#settings;
    const limit = Math.min(Number(query.get('limit') ?? Infinity), query.has('limit') ? pageSize : Infinity);
    const end = Math.min(items.length, offset + limit);
    let next = '';
    if (end < items.length) {
      next = `token-${++this.#nextToken}`;
      this.#snapshots.set(next, { items, offset: end, version });
    }
    const head = view.metadataOnly
      ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' }
      : { kind: `${table.resource.kind}List`, apiVersion: view.apiVersion };
    // A real API server omits apiVersion and kind from list items of built-in kinds, but not of custom resources.
    const named = view.metadataOnly || !isBuiltIn(table.resource.group);
    reply(response, {
      ...head,
      metadata: {
        resourceVersion: String(version),
        ...(next === '' ? {} : { continue: next, remainingItemCount: items.length - end }),
      },
      items: items.slice(offset, end).map((object) => shown(object, view, named)),
    });
  }
}
