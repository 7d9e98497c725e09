import { describe, expect, it } from 'vitest';
import { KINDS, kindOf, type KindId } from '../../src/world/object.ts';
import { renderPath } from '../../src/world/path.ts';
import type { Places } from '../../src/world/place.ts';
import { REFERENCE_PLACES, SELECTOR_PLACES } from '../../src/world/reference-places.ts';
import { references } from '../../src/world/references.ts';
import { contains } from '../support/places.ts';
import { placesRead } from '../support/recorder.ts';
import { setupsIn } from '../support/setups.ts';

const PLACES: Places = REFERENCE_PLACES;
const OBJECTS = [
  ...setupsIn('src/rules/*/fixtures/*.yaml'),
  ...setupsIn('examples/**/*.yaml'),
  ...setupsIn('test/support/reads/*.yaml'),
].flatMap(({ objects }) => objects);

describe('the places that decide to what an object refers', () => {
  it.each(Object.keys(KINDS) as KindId[])('are all that is read of them in %s', (kind) => {
    const declared = PLACES[kind] ?? [];
    const objects = OBJECTS.filter((object) => kindOf(object) === kind);
    const read = new Set(objects.flatMap((object) => [...placesRead(object, references)]));
    expect(
      [...read].filter((place) => !declared.some((each) => contains(each, place) || contains(place, each))),
      'places that are read and not declared',
    ).toEqual([]);
    expect(
      declared.filter((place) => ![...read].some((each) => contains(place, each))),
      'places that are declared and never read',
    ).toEqual([]);
  });

  it('contain the path of each reference', () => {
    const outside = OBJECTS.flatMap((object) => {
      const declared = PLACES[kindOf(object) as KindId] ?? [];
      return references(object)
        .filter(
          ({ path, role }) =>
            role !== 'controller configuration' && !declared.some((place) => contains(place, list(path))),
        )
        .map(({ path }) => `${object.kind} ${renderPath(path)}`);
    });
    expect(outside).toEqual([]);
  });

  it('are those of the selector for objects that select the same pods', () => {
    const selecting = OBJECTS.flatMap((object) => references(object).filter(({ role }) => role === 'same pods'));
    expect(selecting.length).toBeGreaterThan(0);
    for (const { path } of selecting) expect(SELECTOR_PLACES).toEqual([renderPath(path)]);
  });
});

// As a place: every index stands for every item.
function list(path: readonly (string | number)[]): string {
  return renderPath(path).replaceAll(/\[\d+\]/g, '[*]');
}
