import { nestedTemplates } from '../../world/analysis.ts';
import type { TemplateRef } from '../../world/collect-analyses.ts';
import { keyOf, KINDS, type KindId, type KubeObject, type ObjectKey } from '../../world/object.ts';
import type { Lookup } from '../../world/world.ts';

type LookUp = (kind: KindId, namespace: string, name: string) => Lookup;

/** A template that another one includes, and the entry that names it. */
export interface Included {
  readonly ref: TemplateRef;
  readonly template: KubeObject;
}

/** Templates that all include each other, directly or not. */
export interface Component {
  /** Why it is not known what they include, if it is not. */
  whyUnknown: string | undefined;
}

interface Visit {
  readonly key: ObjectKey;
  readonly included: readonly Included[];
  readonly order: number;
  lowest: number;
  next: number;
  whyUnknown: string | undefined;
}

/**
 * The templates that the Rollouts of one namespace can use, in components. Every template is visited once, whichever
 * template is asked about: this is Tarjan's algorithm, without recursion.
 */
export class TemplateComponents {
  readonly #home: string;
  readonly #components = new Map<ObjectKey, Component>();

  /** @param home - A namespace; empty for what cluster-scoped templates include in every namespace. */
  constructor(home: string) {
    this.#home = home;
  }

  /** Returns the component of a template. Looks up what was not visited yet. */
  of(template: KubeObject, lookUp: LookUp): Component {
    const key = keyOf(template);
    if (!this.#components.has(key)) this.#visit(template, lookUp);
    return this.#components.get(key) ?? { whyUnknown: undefined };
  }

  /**
   * Returns the templates that a template includes and that are known. References from a cluster-scoped template to
   * namespaced ones are followed only from a namespace, because it has none of its own.
   */
  included(
    template: KubeObject,
    lookUp: LookUp,
  ): { readonly known: readonly Included[]; readonly whyUnknown: string | undefined } {
    const known: Included[] = [];
    let whyUnknown: string | undefined;
    for (const ref of nestedTemplates(template)) {
      const { namespaced, kind } = KINDS[ref.kind];
      if (namespaced && this.#home === '') continue;
      const place = namespaced ? this.#home : '';
      const found = lookUp(ref.kind, place, ref.name);
      if (found.state === 'present') known.push({ ref, template: found.object });
      if (found.state === 'unknown')
        whyUnknown ??= `${kind} ${place === '' ? '' : `${place}/`}${ref.name}: ${found.reason}`;
    }
    return { known, whyUnknown };
  }

  #visit(root: KubeObject, lookUp: LookUp): void {
    const visits = new Map<ObjectKey, Visit>();
    const open: Visit[] = [];
    const path: Visit[] = [];
    const enter = (template: KubeObject): void => {
      const { known, whyUnknown } = this.included(template, lookUp);
      const order = visits.size;
      const visit: Visit = { key: keyOf(template), included: known, order, lowest: order, next: 0, whyUnknown };
      visits.set(visit.key, visit);
      open.push(visit);
      path.push(visit);
    };
    enter(root);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const child = visit.included[visit.next++]?.template;
      if (child === undefined) {
        path.pop();
        this.#leave(visit, path.at(-1), open);
        continue;
      }
      const done = this.#components.get(keyOf(child));
      const entered = visits.get(keyOf(child));
      if (done !== undefined) visit.whyUnknown ??= done.whyUnknown;
      else if (entered === undefined) enter(child);
      else visit.lowest = Math.min(visit.lowest, entered.order);
    }
  }

  #leave(visit: Visit, parent: Visit | undefined, open: Visit[]): void {
    if (visit.lowest === visit.order) {
      const component: Component = { whyUnknown: visit.whyUnknown };
      for (let member = open.pop(); member !== undefined; member = member === visit ? undefined : open.pop())
        this.#components.set(member.key, component);
    }
    if (parent === undefined) return;
    parent.lowest = Math.min(parent.lowest, visit.lowest);
    parent.whyUnknown ??= visit.whyUnknown;
  }
}
