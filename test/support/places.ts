import type { Rule } from '../../src/rules/define.ts';
import { TEMPLATE_KINDS } from '../../src/world/analysis.ts';
import { ROUTE_KINDS } from '../../src/world/gateway.ts';
import type { KindId } from '../../src/world/object.ts';
import { WORKLOAD_KINDS } from '../../src/world/rollout.ts';
import type { Read } from './recorder.ts';

const partsByPlace = new Map<string, readonly string[]>();

/** Returns the parts of a place; `*` is every item of a list. */
export function partsOf(place: string): readonly string[] {
  let parts = partsByPlace.get(place);
  if (parts === undefined) {
    parts = [...place.matchAll(/\[(\*|"(?:[^"\\]|\\.)*")\]|[^.[\]]+/g)].map(([text, bracket]) =>
      bracket === undefined ? text : bracket === '*' ? '*' : (JSON.parse(bracket) as string),
    );
    partsByPlace.set(place, parts);
  }
  return parts;
}

/** Reports whether a place is another one, or contains it. */
export function contains(outer: string, inner: string): boolean {
  const parts = partsOf(inner);
  return partsOf(outer).every((part, index) => part === parts[index]);
}

/**
 * Returns what a rule read without declaring it. A place above a declared one counts as declared: when it comes, goes or
 * changes its type, so does the declared one. The keys that a mapping has are more than that.
 */
export function undeclared(rule: Rule, reads: Iterable<Read>): string[] {
  const { subject, reads: others } = rule.places;
  const found: string[] = [];
  for (const { kind, of, place, keys } of reads) {
    const declared = [...(others[kind] ?? []), ...(of === 'subject' ? (subject[kind] ?? []) : [])];
    if (declared.some((each) => contains(each, place) || (!keys && contains(place, each)))) continue;
    found.push(
      `${rule.id} reads ${keys ? 'all keys of ' : ''}${place === '' ? 'the object' : place}: \`${of}\` of ${kind}`,
    );
  }
  return found;
}

// A helper reads the kinds of a family in the same way, so the fixtures of one of them are enough.
const FAMILIES: readonly (readonly KindId[])[] = [TEMPLATE_KINDS, ROUTE_KINDS, WORKLOAD_KINDS];

// Only the pod template of a PodTemplate is not in its spec.
function asWorkload(kind: KindId, place: string): string {
  return kind === 'PodTemplate' ? `spec.${place}` : place;
}

/** Returns the places that a rule declares and never read. */
export function neverRead(rule: Rule, reads: readonly Read[]): string[] {
  return (['subject', 'reads'] as const).flatMap((of) =>
    (Object.entries(rule.places[of]) as [KindId, readonly string[]][]).flatMap(([kind, places]) => {
      const family = FAMILIES.find((kinds) => kinds.includes(kind)) ?? [kind];
      const ofFamily = reads.filter((read) => read.of === of && family.includes(read.kind));
      return places
        .filter(
          (place) => !ofFamily.some((read) => contains(asWorkload(kind, place), asWorkload(read.kind, read.place))),
        )
        .map((place) => `${rule.id} never reads ${place}: \`${of}\` of ${kind}`);
    }),
  );
}
