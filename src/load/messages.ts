/** Makes the messages of the clients, each with a number of its own, and checks replies byte for byte. */

import { encodeMessage } from '../client/message-writer.ts';
import type { Framing } from '../framing/frame.ts';

/** Where a message has its number: the client's, and the message's own among those of the client. */
export const NONCE = '{nonce}';
const CLIENT_DIGITS = 6;
const MESSAGE_DIGITS = 10;
export const NONCE_LENGTH = CLIENT_DIGITS + MESSAGE_DIGITS;

/** What a right reply is. `same`: the text, in which `{nonce}` stands for the message's number. `any`: replies are only counted. */
export type Expected =
  | { readonly kind: 'echo' | 'reverse' | 'upper' | 'lower' | 'any' }
  | { readonly kind: 'same'; readonly text: string }
  | { readonly kind: 'pattern'; readonly source: string; readonly flags: string };

/** One text of a message, with the place of its number; filled in anew for each message. */
interface Template {
  readonly frame: Buffer;
  /** Where the number is in the frame; below 0: there is none. */
  readonly nonceAt: number;
  /** The reply; `undefined`: it is not known byte for byte. */
  readonly reply: Buffer | undefined;
  readonly replyNonceAt: number;
}

export class Messages {
  readonly #templates: readonly Template[];
  readonly #isReversed: boolean;
  readonly #pattern: RegExp | undefined;

  /** Throws HEDDLE_BAD_FRAME or HEDDLE_MESSAGE_TOO_LONG for a text that the framing cannot carry. */
  constructor(texts: readonly string[], framing: Framing, expected: Expected) {
    this.#templates = texts.map((text) => templateOf(text, framing, expected));
    this.#isReversed = expected.kind === 'reverse';
    this.#pattern = expected.kind === 'pattern' ? new RegExp(expected.source, expected.flags) : undefined;
  }

  /** Message `number` of `client`, with its frame. The bytes are good until the next call. */
  frame(client: number, number: number): Buffer {
    const { frame, nonceAt } = this.#template(number);
    if (nonceAt >= 0) writeNonce(frame, nonceAt, client, number);
    return frame;
  }

  /** The reply to message `number` of `client`, without a frame; `undefined`: it is not known. Good until the next call. */
  reply(client: number, number: number): Buffer | undefined {
    const { reply, replyNonceAt } = this.#template(number);
    if (reply === undefined || replyNonceAt < 0) return reply;
    writeNonce(reply, replyNonceAt, client, number);
    if (this.#isReversed) reply.subarray(replyNonceAt, replyNonceAt + NONCE_LENGTH).reverse();
    return reply;
  }

  isRight(reply: Buffer, client: number, number: number): boolean {
    if (this.#pattern !== undefined) return this.#pattern.test(reply.toString());
    return this.reply(client, number)?.equals(reply) ?? true;
  }

  #template(number: number): Template {
    return this.#templates[number % this.#templates.length] as Template;
  }
}

/** What `kind` makes of a message. */
export function transformed(body: Buffer, kind: 'echo' | 'reverse' | 'upper' | 'lower'): Buffer {
  if (kind === 'echo') return body;
  if (kind === 'reverse') return Buffer.from(body).reverse();
  return Buffer.from(kind === 'upper' ? body.toString().toUpperCase() : body.toString().toLowerCase());
}

/** The text of a message with its number filled in. */
export function withNonce(text: string, client: number, number: number): string {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  writeNonce(nonce, 0, client, number);
  return text.replace(NONCE, nonce.toString());
}

function templateOf(text: string, framing: Framing, expected: Expected): Template {
  const { body, nonceAt } = filledIn(text);
  const frame = encodeMessage(body, framing);
  const prefix = nonceAt < 0 ? 0 : frame.indexOf(body);
  return { frame, nonceAt: nonceAt + prefix, ...replyTo(body, nonceAt, expected) };
}

function replyTo(body: Buffer, nonceAt: number, expected: Expected): Pick<Template, 'reply' | 'replyNonceAt'> {
  const { kind } = expected;
  if (kind === 'any' || kind === 'pattern') return { reply: undefined, replyNonceAt: -1 };
  if (kind === 'same') {
    const same = filledIn(expected.text);
    return { reply: same.body, replyNonceAt: same.nonceAt };
  }
  const reply = Buffer.from(transformed(body, kind));
  if (nonceAt < 0) return { reply, replyNonceAt: -1 };
  // The number is digits, which keep their length; the bytes before it may change theirs.
  const before = transformed(body.subarray(0, nonceAt), kind).length;
  return { reply, replyNonceAt: kind === 'reverse' ? body.length - nonceAt - NONCE_LENGTH : before };
}

/** Puts zeros where the number will be. */
function filledIn(text: string): { readonly body: Buffer; readonly nonceAt: number } {
  const [before = '', after] = text.split(NONCE, 2);
  if (after === undefined) return { body: Buffer.from(text), nonceAt: -1 };
  return { body: Buffer.from(text.replace(NONCE, '0'.repeat(NONCE_LENGTH))), nonceAt: Buffer.byteLength(before) };
}

function writeNonce(bytes: Buffer, at: number, client: number, number: number): void {
  writeDigits(bytes, at, CLIENT_DIGITS, client);
  writeDigits(bytes, at + CLIENT_DIGITS, MESSAGE_DIGITS, number);
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let left = value;
  for (let place = at + digits - 1; place >= at; place--) {
    const rest = Math.floor(left / 10);
    bytes[place] = 48 + left - rest * 10;
    left = rest;
  }
}
