/**
 * Gives back the memory that nothing uses any more. V8 does so by itself only when it needs more. With 10,000 Rollouts it
 * takes about 300 ms, so only what happens seldom does it. Does nothing unless Node.js has the option `--expose-gc`, as
 * in the image.
 */
export function returnUnusedMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
