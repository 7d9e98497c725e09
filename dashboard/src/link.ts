/** What a link holds: all that a person has typed or chosen, and no token. */
export interface SharedState {
  readonly manifests: string;
  readonly policy: string;
  readonly rollout?: string;
  readonly replicas?: number;
  readonly stage?: number;
  readonly abortAt?: number;
}

const PREFIX = '#s=';
// UTF-16 code units of JSON, which is longer than its text.
const MOST_TEXT = 4 * 1024 * 1024;
const MOST_COUNT = 100_000;

/** Returns the fragment of a URL that holds a state. */
export async function fragmentOf(state: SharedState): Promise<string> {
  const stream = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return PREFIX + text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Returns the state in the fragment of a URL, or undefined if there is none that can be read. */
export async function stateIn(fragment: string): Promise<SharedState | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined;
  try {
    const text = atob(fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return checked(JSON.parse(await textOf(stream)));
  } catch {
    return undefined;
  }
}

// A few bytes can stand for a text of any length.
async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > MOST_TEXT) throw new Error('too large');
  }
}

function checked(value: unknown): SharedState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { manifests, policy, rollout, replicas, stage, abortAt } = value as Record<string, unknown>;
  if (typeof manifests !== 'string' || typeof policy !== 'string') return undefined;
  return {
    manifests,
    policy,
    ...(typeof rollout === 'string' ? { rollout } : {}),
    ...(isCount(replicas) ? { replicas } : {}),
    ...(isCount(stage) ? { stage } : {}),
    ...(isCount(abortAt) ? { abortAt } : {}),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_COUNT;
}
