import fc from 'fast-check';
import { isKubeObject, type KubeObject } from '../../../src/world/object.ts';
import type { Fields, Json } from '../json-objects.ts';

/**
 * Returns an object with some of its parts replaced.
 *
 * @param blows - For each replacement, a number that selects the part, and the new value.
 */
export function damage(object: KubeObject, blows: readonly (readonly [number, Json])[]): KubeObject {
  const copy = structuredClone(object) as unknown as Fields;
  for (const [number, value] of blows) {
    const places: { holder: Record<string, Json>; key: string }[] = [];
    const visit = (holder: Json): void => {
      if (typeof holder !== 'object' || holder === null) return;
      for (const key of Object.keys(holder)) {
        places.push({ holder: holder as Record<string, Json>, key });
        visit((holder as Record<string, Json>)[key] ?? null);
      }
    };
    visit(copy);
    const place = places[number % Math.max(1, places.length)];
    if (place !== undefined) place.holder[place.key] = structuredClone(value);
  }
  return isKubeObject(copy) ? copy : object;
}

const junk = fc.oneof(
  fc.constantFrom<Json>(
    null,
    [],
    {},
    '',
    0,
    -1,
    1e300,
    true,
    'x',
    [null],
    [[]],
    ['canary'],
    { weight: 'x' },
    { name: {} },
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
);

/** An arbitrary of what replaces parts of an object. */
export const blows = fc.array(fc.tuple(fc.nat(), junk), { maxLength: 4 });
