/** Remembers how many calls of the service have waited in the last hour: whether they pile up shows only beside what was usual. */
import type { HandlerTrend } from '../../admin/observed.ts';

/** A look a minute for an hour. */
const LOOKS = 60;
/** A server this young, in ms, has no usual yet: clients have yet to come and ask. */
const YOUNG_MS = 5 * 60_000;
/** With fewer clients, a share of them says nothing. */
const FEW_CLIENTS = 50;

/** What is known at one moment. */
export interface HandlerLook {
  readonly clients: number;
  readonly handlersRunning: number;
  /** How many messages were answered since the server started. */
  readonly messages: number;
}

export class HandlerHistory {
  /** Which part of the clients had a call that waited, at each look. */
  readonly #shares: number[] = [];
  /** What was answered by the last look, and by the one before. */
  #answered: readonly [before: number, last: number] = [0, 0];

  /** To be called once a minute; `uptimeMs`: how long the server has run. */
  look({ clients, handlersRunning, messages }: HandlerLook, uptimeMs: number): void {
    this.#answered = [this.#answered[1], messages];
    if (uptimeMs < YOUNG_MS || clients < FEW_CLIENTS) return;
    this.#shares.push(handlersRunning / clients);
    if (this.#shares.length > LOOKS) this.#shares.shift();
  }

  /** `messages`: how many are answered by now. */
  trend(messages: number): HandlerTrend {
    const answered = messages - this.#answered[0];
    return this.#shares.length === 0 ? { answered } : { answered, usualShare: Math.min(...this.#shares) };
  }
}
