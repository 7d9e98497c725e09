const MAX_NAMES = 6;

/**
 * In: things, how a person is told which one each is, and what to say where there are none. Out: them in one phrase,
 * equal ones once, at most six: `"a", "b" and more`. Stops reading once it has as many, so that a message costs the
 * same however long the list is.
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

/** In: a name. Out: it in quotes, as messages write names. */
export function quoted(name: string): string {
  return `"${name}"`;
}
