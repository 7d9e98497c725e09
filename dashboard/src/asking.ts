import type { Answer, Question } from '../../src/dashboard/messages.ts';
import { callServer } from './server.ts';

/** What the server said. */
export type Reply = { readonly answer: Answer } | { readonly problem: string };

const PAGE = crypto.randomUUID();

/**
 * Asks one question at a time: while an answer is awaited, only the latest question waits. So the answers come as fast as
 * they can be given, and never in the wrong order.
 */
export class Asking {
  readonly #onReply: (reply: Reply) => void;
  #next: Question | undefined;
  #isAsking = false;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  ask(question: Question): void {
    this.#next = question;
    if (!this.#isAsking) void this.#askAll();
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#next !== undefined) {
      const question = this.#next;
      this.#next = undefined;
      const reply = await post(question);
      // An answer to an earlier text is still better than none, but its places would be wrong.
      if (this.#next === undefined) this.#onReply(reply);
    }
    this.#isAsking = false;
  }
}

async function post(question: Question): Promise<Reply> {
  try {
    const response = await callServer('/api/judge', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-page': PAGE },
      body: JSON.stringify(question),
    });
    const body = (await response.json()) as Answer | { readonly error: string };
    return 'error' in body ? { problem: body.error } : { answer: body };
  } catch {
    return { problem: 'rollgate dashboard does not answer: start it again, and open the URL that it prints' };
  }
}
