import type { KubeObject } from '../world/object.ts';

/** Returns how a rule is named where Rollgate is one of many speakers: in denials and warnings at admission. */
export function ruleTag(rule: string): string {
  return `[rollgate/${rule}]`;
}

/** A rule tag at the end of a line. */
export const RULE_TAG = / \[rollgate\/[a-z0-9-]+\]$/;

/** Returns the kind and name of an object, as kubectl prints them. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return metadata.name === '' ? kind : `${kind} "${metadata.name}"`;
}

/** Returns a text that begins with the kind and name of the object it is about. */
export function about(object: KubeObject, text: string): string {
  const name = nameOf(object);
  return text.startsWith(name) ? text : `${name}: ${text}`;
}
