import fc from 'fast-check';
import { isKubeObject, kindOf, type KubeObject } from '../../src/world/object.ts';

/** One edit: numbers that choose the place, what is done there, and with what. */
export interface RandomEdit {
  readonly place: number;
  readonly how: number;
  readonly what: number;
}

/** Returns an arbitrary of one to three edits. */
export function anyEdits(): fc.Arbitrary<RandomEdit[]> {
  const number = fc.nat({ max: 1_000_000 });
  return fc.array(fc.record({ place: number, how: number, what: number }), { minLength: 1, maxLength: 3 });
}

type Fields = Record<string, unknown>;

interface Spot {
  readonly holder: Fields;
  readonly key: string;
  readonly path: string;
}

function spotsIn(value: unknown, path = ''): Spot[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Fields;
  return Object.keys(holder).flatMap((key) => {
    const below = Array.isArray(value) ? `${path}/*` : `${path}/${key}`;
    return [{ holder, key, path: below }, ...spotsIn(holder[key], below)];
  });
}

function chosen<T>(from: readonly T[], number: number): T | undefined {
  return from[number % from.length];
}

const ODD: readonly unknown[] = ['', ' ', 0, -1, null, true, {}, [], [{}], "metadata.annotations['example.com/x']"];

function remove({ holder, key }: Spot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(holder, key);
}

/**
 * Returns an object after edits. What is put somewhere is another value of the same type, an odd one, a text of another
 * object of the set-up, or what another object of the same kind has there.
 *
 * @param near - The objects of the set-up.
 * @param all - The objects of all set-ups.
 */
export function edited(
  object: KubeObject,
  edits: readonly RandomEdit[],
  near: readonly KubeObject[],
  all: readonly KubeObject[],
): KubeObject {
  const copy = structuredClone(object);
  for (const { place, how, what } of edits) {
    const spot = chosen(spotsIn(copy), place);
    if (spot === undefined) continue;
    const { holder, key } = spot;
    const before = holder[key];
    const undo = structuredClone(copy);
    apply(
      spot,
      how,
      what,
      near,
      all.filter((other) => kindOf(other) === kindOf(object)),
    );
    if (isKubeObject(copy)) continue;
    // Not an object that the API server would send.
    holder[key] = before;
    if (!isKubeObject(copy)) return undo;
  }
  return copy;
}

function apply(spot: Spot, how: number, what: number, near: readonly KubeObject[], alike: readonly KubeObject[]): void {
  const { holder, key, path } = spot;
  const value = holder[key];
  switch (how % 6) {
    case 0:
      remove(spot);
      return;
    case 1:
      holder[key] = structuredClone(chosen(ODD, what));
      return;
    case 2:
      holder[key] = typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : `other-${what % 100}`;
      return;
    case 3:
      holder[key] = chosen(
        near
          .flatMap((other) => spotsIn(other).flatMap(({ holder: at, key: name }) => at[name]))
          .filter((other) => typeof other === 'string'),
        what,
      );
      return;
    case 4:
      if (Array.isArray(value)) value.splice(what % (value.length + 1), 0, structuredClone(chosen(value, what)) ?? {});
      else holder[`${key}x`] = structuredClone(value);
      return;
    default: {
      // With a field that this object may lack, next to the one at the spot.
      const above = path.slice(0, path.lastIndexOf('/'));
      const fields = alike.flatMap((other) =>
        spotsIn(other).filter((each) => each.path.slice(0, each.path.lastIndexOf('/')) === above),
      );
      const field = chosen(fields, what);
      if (field === undefined) return;
      const there = Array.isArray(holder) ? key : field.key;
      holder[there] = structuredClone(field.holder[field.key]);
    }
  }
}
