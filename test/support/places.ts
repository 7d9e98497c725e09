import type { Rule } from '../../src/rules/define.ts';
import { TEMPLATE_KINDS } from '../../src/world/analysis.ts';
import { BY_FIELD_REF, FIELD_REF_PLACES, partsOf } from '../../src/world/place.ts';
import { getOrAdd } from '../../src/world/get-or-add.ts';
import { ROUTE_KINDS } from '../../src/world/gateway.ts';
import type { KindId } from '../../src/world/object.ts';
import { WORKLOAD_KINDS } from '../../src/world/rollout.ts';
import type { Read } from './recorder.ts';

const keysByPlace = new Map<string, readonly string[]>();

function keysOf(place: string): readonly string[] {
  return getOrAdd(keysByPlace, place, () => partsOf(place).keys);
}

/** Reports whether a place is another one, or contains it. */
export function contains(outer: string, inner: string): boolean {
  const keys = keysOf(inner);
  return keysOf(outer).every((key, index) => key === keys[index]);
}

/**
 * Returns what a rule read without declaring it. A place above a declared one counts as declared: when it comes, goes or
 * changes its type, so does the declared one. The keys that a mapping has are more than that.
 */
export function undeclared(rule: Rule, reads: Iterable<Read>): string[] {
  const { subject, reads: others } = rule.places;
  const found: string[] = [];
  for (const { kind, of, place, keys, byFieldRef } of reads) {
    const named = [...(others[kind] ?? []), ...(of === 'subject' ? (subject[kind] ?? []) : [])];
    const declared = byFieldRef && named.includes(BY_FIELD_REF) ? [...named, ...FIELD_REF_PLACES] : named;
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

/** Returns the places that a rule declares and never read. A place in several kinds of a family is one. */
export function neverRead(rule: Rule, reads: readonly Read[]): string[] {
  const found = (['subject', 'reads'] as const).flatMap((of) =>
    (Object.entries(rule.places[of]) as [KindId, readonly string[]][]).flatMap(([kind, places]) => {
      const family = (FAMILIES.find((kinds) => kinds.includes(kind)) ?? [kind]).filter((each) =>
        Object.hasOwn(rule.places[of], each),
      );
      const ofFamily = reads.filter((read) => read.of === of && family.includes(read.kind));
      return places
        .filter(
          (place) =>
            // That of a value only its presence counts is said below a place that is read.
            !(place.endsWith('?') && places.some((each) => each !== place && contains(each, place))) &&
            !ofFamily.some((read) =>
              place === BY_FIELD_REF
                ? read.byFieldRef && !places.some((each) => contains(each, read.place) || contains(read.place, each))
                : contains(asWorkload(kind, place), asWorkload(read.kind, read.place)),
            ),
        )
        .map((place) => `${rule.id} never reads ${asWorkload(kind, place)}: \`${of}\` of ${family.join(' or ')}`);
    }),
  );
  return [...new Set(found)];
}
