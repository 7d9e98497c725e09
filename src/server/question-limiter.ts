import { FairQueue } from './fair-queue.ts';

/** A question that was not asked, so it has no answer. Its message says why. */
export class NotAskedError extends Error {
  override readonly name = 'NotAskedError';
  /** `overload`: too many questions; `failing`: the API server did not answer the last ones. */
  readonly why: 'overload' | 'failing';

  constructor(why: NotAskedError['why'], message: string) {
    super(message);
    this.why = why;
  }
}

/** The limits of a `QuestionLimiter`. */
export interface QuestionLimits {
  /** Questions under way at once. One address has at most half of them. */
  readonly underWay: number;
  /** Questions that wait. */
  readonly waiting: number;
  /** Milliseconds that one question waits at most. */
  readonly wait: number;
}

/** Who asks: the address of the client, and more exactly who it is, where that is known. */
export type Caller = readonly [address: string, ...more: readonly string[]];

/** One caller that waits for a question. */
interface Ticket<T> {
  readonly question: Question<T>;
  readonly caller: Caller;
  readonly answer: PromiseWithResolvers<T>;
  timer: NodeJS.Timeout | undefined;
}

interface Question<T> {
  readonly key: string;
  ask(caller: Caller): Promise<T>;
  readonly tickets: Map<string, Ticket<T>>;
  /** Undefined while the question waits. */
  answer: Promise<T> | undefined;
}

/**
 * Limits the questions under way. Those that wait take turns by caller; when too many wait, the callers with the most
 * lose their newest. Identical questions are asked once, for the first caller whose turn it is.
 */
export class QuestionLimiter<T> {
  readonly #limits: QuestionLimits;
  readonly #whyNot: (caller: Caller) => NotAskedError | undefined;
  readonly #queue = new FairQueue<Ticket<T>>();
  readonly #questions = new Map<string, Question<T>>();
  readonly #addresses = new Map<string, number>();
  #underWay = 0;

  /** @param whyNot - Returns why a caller may not ask at this moment, if so. */
  constructor(limits: QuestionLimits, whyNot: (caller: Caller) => NotAskedError | undefined = () => undefined) {
    this.#limits = limits;
    this.#whyNot = whyNot;
  }

  /** The number of questions under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Asks a question, or joins an identical one.
   * @param key - Identical questions have the same key.
   * @param caller - Has as many parts as any other caller of this limiter.
   * @param ask - Is given the caller whose turn it is. Of identical questions, the first caller's `ask` is used.
   * @throws NotAskedError if the question cannot be asked in time.
   */
  ask(key: string, caller: Caller, ask: (caller: Caller) => Promise<T>): Promise<T> {
    let question = this.#questions.get(key);
    if (question?.answer !== undefined) return question.answer;
    const refused = this.#whyNot(caller);
    if (refused !== undefined) return Promise.reject(refused);
    if (question === undefined) {
      question = { key, ask, tickets: new Map(), answer: undefined };
      this.#questions.set(key, question);
    }
    const name = JSON.stringify(caller);
    const ticket = question.tickets.get(name) ?? this.#enqueue(question, caller, name);
    this.#askNext();
    const surplus = this.#queue.size > this.#limits.waiting ? this.#queue.newestOfLargest() : undefined;
    if (surplus !== undefined)
      this.#turnAway(surplus, new NotAskedError('overload', 'too many questions to the API server are waiting'));
    return ticket.answer.promise;
  }

  // Each caller of an identical question has a ticket of its own: otherwise one who floods could hold up another by
  // asking the same.
  #enqueue(question: Question<T>, caller: Caller, name: string): Ticket<T> {
    const ticket: Ticket<T> = { question, caller, answer: Promise.withResolvers<T>(), timer: undefined };
    question.tickets.set(name, ticket);
    this.#queue.push(caller, ticket);
    ticket.timer = setTimeout(
      () => this.#turnAway(ticket, new NotAskedError('overload', 'the API server could not be asked in time')),
      this.#limits.wait,
    );
    return ticket;
  }

  #askNext(): void {
    while (this.#underWay < this.#limits.underWay) {
      const ticket = this.#queue.shift((address) => this.#mayTake(address));
      if (ticket === undefined) return;
      const refused = this.#whyNot(ticket.caller);
      if (refused === undefined) this.#start(ticket);
      else this.#forget(ticket, refused);
    }
  }

  // Somebody with many slow questions must not hold every place.
  #mayTake(address: string): boolean {
    return (this.#addresses.get(address) ?? 0) < Math.ceil(this.#limits.underWay / 2);
  }

  #start(turn: Ticket<T>): void {
    const { question } = turn;
    const [address] = turn.caller;
    const tickets = [...question.tickets.values()];
    for (const ticket of tickets) {
      clearTimeout(ticket.timer);
      if (ticket !== turn) this.#queue.delete(ticket.caller, ticket);
    }
    this.#underWay++;
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    // An error that is thrown at once gives the place back too.
    const asking = async (): Promise<T> => question.ask(turn.caller);
    question.answer = asking().finally(() => {
      this.#underWay--;
      const others = (this.#addresses.get(address) ?? 1) - 1;
      if (others === 0) this.#addresses.delete(address);
      else this.#addresses.set(address, others);
      this.#questions.delete(question.key);
      this.#askNext();
    });
    for (const ticket of tickets) question.answer.then(ticket.answer.resolve, ticket.answer.reject);
  }

  #turnAway(ticket: Ticket<T>, error: NotAskedError): void {
    this.#queue.delete(ticket.caller, ticket);
    this.#forget(ticket, error);
  }

  #forget({ question, caller, answer, timer }: Ticket<T>, error: NotAskedError): void {
    clearTimeout(timer);
    question.tickets.delete(JSON.stringify(caller));
    if (question.tickets.size === 0) this.#questions.delete(question.key);
    answer.reject(error);
  }
}
