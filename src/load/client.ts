/** Sends the messages of one client and takes its replies. */

import { MessageReader } from '../client/message-reader.ts';
import { HeddleError } from '../errors.ts';
import type { Framing } from '../framing/frame.ts';
import type { WrongReply } from './figures/figures.ts';
import type { Ledger } from './figures/ledger.ts';
import type { Judgement } from './messages/expected.ts';
import { ExactFraming } from './messages/exact-framing.ts';
import type { Messages } from './messages/messages.ts';
import { NumberQueue } from './number-queue.ts';
import type { Pauses } from './pauses.ts';
import type { Random } from './random.ts';
import type { ReplyTrace, TraceOutcome } from './reply-trace.ts';
import type { Wire, WireListener, Wires } from './wires/wires.ts';

/** How much of a wrong reply is shown, in bytes. */
const SHOWN_BYTES = 200;

/** What all clients of a group have in common. */
export interface ClientParts {
  readonly wires: Wires;
  readonly messages: Messages;
  readonly framing: Framing;
  readonly ledger: Ledger;
  readonly pipeline: number;
  /** Each reply is followed by the next message: at once, or after a pause. */
  readonly isClosedLoop: boolean;
  readonly pauses: Pauses<LoadClient> | undefined;
  /** Whether making the connections that the run begins with is a figure. */
  readonly countsFirstConnect: boolean;
  /** The share of clients that leave with a reset of their connection, and what draws them. */
  readonly resets: number;
  readonly random: Random;
  /** Which group it is, for the trace, and the trace if there is one. */
  readonly group: number;
  readonly trace: ReplyTrace | undefined;
  /** Called when a connection was made, or not, until the run begins. */
  readonly onOpen: (problem?: string) => void;
}

export class LoadClient implements WireListener {
  readonly #parts: ClientParts;
  readonly #number: number;
  #wire: Wire | undefined;
  #isOpen = false;
  /** It leaves when it has its replies, and comes again. */
  #isLeaving = false;
  #openedAt = 0;
  #hasBegun = false;
  /** Since when it could have sent a message. */
  #ableAt = 0;
  #reader: MessageReader;
  #exact: ExactFraming | undefined;
  /** When messages were due that were not sent yet. */
  readonly #waiting = new NumberQueue();
  /** Of the messages under way: when each was due, and when it was sent if its client was free when it was due, otherwise NaN. */
  readonly #due = new NumberQueue();
  readonly #sentAt = new NumberQueue();
  /** When the oldest of them was sent, or the reply before it came. */
  #oldestSince = 0;
  #sent = 0;
  /** How many of its messages will be sent when a pause has ended. */
  #pausing = 0;

  constructor(parts: ClientParts, number: number) {
    this.#parts = parts;
    this.#number = number;
    this.#reader = this.#newReader();
  }

  connect(now: number): void {
    this.#openedAt = now;
    this.#isLeaving = false;
    this.#reader = this.#newReader();
    this.#wire = this.#parts.wires.open(this);
  }

  /** Begins the run: a client of a closed loop sends its first messages. */
  begin(now: number): void {
    this.#hasBegun = true;
    this.#ableAt = now;
    this.#refill(now);
  }

  /** A message is due. */
  offer(due: number, now: number): void {
    this.#parts.ledger.asked(due);
    this.#waiting.push(due);
    this.#pump(now);
  }

  /** A pause has ended: its message is due. */
  pauseEnded(due: number, now: number): void {
    this.#pausing--;
    if (!this.#parts.ledger.isOver(now)) this.offer(due, now);
  }

  /** Has it leave as soon as it has its replies, and come again. */
  leave(now: number): void {
    if (!this.#isOpen) return;
    this.#isLeaving = true;
    this.#comeAgain(now);
  }

  /** Whether all its messages were answered. */
  get isDone(): boolean {
    return this.#due.size === 0 && this.#waiting.size === 0;
  }

  /** Gives up replies that are due for longer than `timeoutMs`, and connects again if the connection is gone. */
  check(now: number, timeoutMs: number): void {
    if (this.#wire === undefined) {
      if (!this.#parts.ledger.isOver(now)) this.connect(now);
      return;
    }
    const since = this.#isOpen ? this.#oldestSince : this.#openedAt;
    if ((this.#isOpen && this.#due.size === 0) || now - since < timeoutMs) return;
    if (!this.#isOpen) this.#parts.ledger.closed('no answer in time');
    this.#drop(now);
  }

  /** Ends the run: what was not answered is lost. */
  end(now: number): void {
    this.#drop(now);
    while (this.#waiting.size > 0) this.#lose(this.#waiting.shift(), NaN, now, this.#sent++);
  }

  opened(now: number): void {
    this.#isOpen = true;
    this.#ableAt = now;
    if (this.#hasBegun || this.#parts.countsFirstConnect) this.#parts.ledger.connected(now - this.#openedAt);
    if (!this.#hasBegun) return this.#parts.onOpen();
    this.#refill(now);
    this.#pump(now);
  }

  received(bytes: Buffer, now: number): void {
    try {
      for (const reply of this.#reader.read(bytes)) this.#onReply(reply, now);
    } catch (error) {
      // The module that judges replies has failed, not the reply.
      if (!(error instanceof HeddleError) || error.code === 'HEDDLE_INVALID_OPTION') throw error;
      this.#parts.ledger.wrong(() => this.#describe(bytes, error.message));
      this.#drop(now);
      return;
    }
    this.#pump(now);
    if (this.#isLeaving) this.#comeAgain(now);
  }

  closed(why: string, now: number): void {
    this.#wire = undefined;
    if (this.#hasBegun) this.#parts.ledger.closed(why);
    else this.#parts.onOpen(why);
    this.#drop(now);
  }

  #onReply(reply: Buffer, now: number): void {
    const { isClosedLoop, ledger, messages, wires } = this.#parts;
    if (this.#due.size === 0) {
      ledger.wrong(() => this.#describe(reply, 'no reply: nothing was asked'));
      return;
    }
    const number = this.#sent - this.#due.size;
    const judgement = messages.judge(reply, this.#number, number);
    if (judgement !== true) ledger.wrong(() => this.#describe(reply, judgement));
    this.#oldestSince = now;
    this.#ableAt = now;
    const due = this.#due.shift();
    ledger.replied(due, this.#sentAt.shift(), now, wires.lateness(now));
    this.#trace(number, due, now, judgement === true ? 'right' : 'wrong');
    this.#expectNext();
    if (isClosedLoop) this.#goOn(now);
  }

  /** Tells the framing how long the reply to the oldest message is, where nothing else does. */
  #expectNext(): void {
    if (this.#exact === undefined || this.#due.size === 0) return;
    this.#exact.length = this.#parts.messages.replyLength(this.#sent - this.#due.size) ?? 1;
  }

  /** The next message of a closed loop is due when its client has paused, or as soon as there is room for it. */
  #goOn(now: number): void {
    const { ledger, pauses } = this.#parts;
    if (ledger.isOver(now)) return;
    if (pauses !== undefined) {
      this.#pausing++;
      pauses.begin(this, now);
      return;
    }
    ledger.asked(now);
    this.#waiting.push(now);
  }

  #refill(now: number): void {
    if (!this.#parts.isClosedLoop) return;
    const under = this.#due.size + this.#waiting.size + this.#pausing;
    for (let count = under; count < this.#parts.pipeline; count++) this.#goOn(now);
    this.#pump(now);
  }

  #pump(now: number): void {
    if (!this.#isOpen || this.#isLeaving || this.#waiting.size === 0) return;
    const { ledger, messages, pipeline } = this.#parts;
    const frames: Buffer[] = [];
    while (this.#waiting.size > 0 && this.#due.size < pipeline) {
      const due = this.#waiting.shift();
      if (this.#due.size === 0) this.#oldestSince = now;
      const foundFree = this.#due.size === 0 && due >= this.#ableAt;
      this.#due.push(due);
      this.#sentAt.push(foundFree ? now : NaN);
      ledger.sent(now, now - Math.max(due, this.#ableAt));
      const frame = messages.frame(this.#number, this.#sent++);
      const isLast = this.#waiting.size === 0 || this.#due.size === pipeline;
      frames.push(isLast && frames.length === 0 ? frame : Buffer.from(frame));
    }
    this.#expectNext();
    const [first] = frames;
    if (first !== undefined) this.#wire?.write(frames.length === 1 ? first : Buffer.concat(frames));
  }

  #comeAgain(now: number): void {
    if (this.#due.size > 0) return;
    const { random, resets } = this.#parts;
    this.#drop(now, resets > 0 && random() < resets);
    this.connect(now);
  }

  /** Ends the connection; messages under way get no reply. */
  #drop(now: number, reset = false): void {
    this.#wire?.close(reset);
    this.#wire = undefined;
    this.#isOpen = false;
    for (let number = this.#sent - this.#due.size; number < this.#sent; number++)
      this.#lose(this.#due.shift(), this.#sentAt.shift(), now, number);
  }

  #lose(due: number, sentAt: number, now: number, number: number): void {
    this.#parts.ledger.lost(due, sentAt, now);
    this.#trace(number, due, now, 'lost');
  }

  #trace(number: number, due: number, until: number, outcome: TraceOutcome): void {
    this.#parts.trace?.add(this.#parts.group, this.#number, number, due, until, outcome);
  }

  /** In a stream without message boundaries, a reply is as long as it must be. */
  #newReader(): MessageReader {
    const { framing, messages } = this.#parts;
    if (framing.name !== 'chunk' || messages.replyLength(0) === undefined) return new MessageReader(framing);
    this.#exact = new ExactFraming();
    return new MessageReader(this.#exact);
  }

  /** `problem`: a text that says what is wrong. */
  #describe(got: Buffer, problem: Judgement): WrongReply {
    const { messages } = this.#parts;
    const number = this.#sent - Math.max(1, this.#due.size);
    const text = (bytes: Buffer): string => bytes.toString('utf8', 0, SHOWN_BYTES);
    return {
      client: this.#number,
      sent: text(messages.frame(this.#number, number)),
      expected: typeof problem === 'string' ? problem : text(messages.reply(this.#number, number) ?? Buffer.alloc(0)),
      got: text(got),
    };
  }
}
