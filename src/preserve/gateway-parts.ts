import type { KubeObject } from '../world/object.ts';
import { asArray, asString, dig, isObject } from '../world/read.ts';
import { rulesWith, type Rule } from './gateway-rules.ts';

/** The parts of a route that the result for one Rollout depends on, and those that it changes. */
export class Parts {
  readonly reads = new Set<string>();
  readonly writes = new Set<string>();

  /** The rules with a Service of the Rollout, and which ones those are. */
  readRules(route: KubeObject, services: readonly string[]): void {
    for (const service of services) this.reads.add(`backend ${service}`);
    for (const { index } of rulesWith(services, route)) this.reads.add(`rule ${index}`);
  }

  writeRule({ index }: Rule): void {
    this.writes.add(`rule ${index}`);
  }

  /** Rules with these backends appear, or go. */
  writeBackends(backends: readonly unknown[]): void {
    for (const backend of backends) this.writes.add(`backend ${asString(dig(backend, 'name'))}`);
  }

  /** A header rule may be in place. */
  readNamed(name: string, place: Rule | undefined): void {
    this.reads.add(`named ${name}`);
    if (place !== undefined) this.reads.add(`rule ${place.index}`);
  }

  /** A header rule is put in place of another one, or after all others. */
  writeNamed(stored: Rule, place: Rule | undefined): void {
    this.writes.add(`named ${stored.name}`);
    this.writeBackends(asArray(dig(stored.raw, 'backendRefs')));
    if (place === undefined) return;
    this.writeRule(place);
    this.writeBackends(asArray(dig(place.raw, 'backendRefs')));
  }

  readLabel(route: KubeObject, key: string): void {
    this.reads.add(`label ${key}`);
    if (!hasLabels(route)) this.reads.add('labels');
  }

  writeLabel(route: KubeObject, key: string): void {
    this.writes.add(`label ${key}`);
    if (!hasLabels(route)) this.writes.add('labels');
  }
}

function hasLabels(route: KubeObject): boolean {
  return isObject(route.metadata['labels']);
}
