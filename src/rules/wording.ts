const MAX_NAMES = 6;

/**
 * Renders a list in one phrase: each text once, at most six of them, as in `"a", "b" and more`. Stops reading then, so
 * that the cost of a message does not depend on the length of the list.
 *
 * @param tell - renders one item
 * @param none - the phrase for an empty list
 */
export function listed<T>(things: Iterable<T>, tell: (thing: T) => string, none = 'none'): string {
  const told = new Set<string>();
  for (const thing of things) {
    const text = tell(thing);
    if (told.size === MAX_NAMES && !told.has(text)) return `${[...told].join(', ')} and more`;
    told.add(text);
  }
  return told.size === 0 ? none : [...told].join(', ');
}

/** Returns a name in quotes, as messages write names. */
export function quoted(name: string): string {
  return `"${name}"`;
}
