/** Makes the messages of the clients, each with fields of its own, and judges replies byte for byte. */

import { encodeMessage } from '../../client/message-writer.ts';
import type { Framing } from '../../framing/frame.ts';
import type { Expected, Judgement, ReplyCheck } from './expected.ts';
import { type Blank, blankOf, type Change, type Field, fillIn } from './fields.ts';

type Transform = 'echo' | 'reverse' | 'upper' | 'lower';

/** One text of a message, filled in anew for each message. */
interface Template {
  readonly frame: Buffer;
  /** The message in its frame. */
  readonly body: Buffer;
  readonly fields: readonly Field[];
  /** The reply; `undefined`: it is not known byte for byte. */
  readonly reply: Blank | undefined;
}

export class Messages {
  readonly #templates: readonly Template[];
  readonly #seed: number;
  readonly #change: Change;
  readonly #isLength: boolean;
  readonly #pattern: RegExp | undefined;
  readonly #check: ReplyCheck | undefined;

  /**
   * `seed`: of random fields. `check`: judges replies if a module is expected.
   * Throws HEDDLE_BAD_FRAME or HEDDLE_MESSAGE_TOO_LONG for a text that the framing cannot carry.
   */
  constructor(texts: readonly string[], framing: Framing, expected: Expected, seed: number, check?: ReplyCheck) {
    const { kind } = expected;
    this.#templates = texts.map((text) => templateOf(text, framing, expected));
    this.#seed = seed;
    this.#change = { isUpper: kind === 'upper', isReversed: kind === 'reverse' };
    this.#isLength = kind === 'length';
    this.#pattern = kind === 'pattern' ? new RegExp(expected.source, expected.flags) : undefined;
    this.#check = kind === 'module' ? check : undefined;
  }

  /** Message `seq` of `client`, with its frame. The bytes are good until the next call. */
  frame(client: number, seq: number): Buffer {
    return this.#filled(client, seq).frame;
  }

  /** The reply to message `seq` of `client`, without a frame; `undefined`: it is not known. Good until the next call. */
  reply(client: number, seq: number): Buffer | undefined {
    const { reply } = this.#template(seq);
    if (reply === undefined) return undefined;
    fillIn(reply.bytes, reply.fields, { client, seq, seed: this.#seed }, this.#change);
    return reply.bytes;
  }

  /** How many bytes the reply to a message has; `undefined`: it is not known. */
  replyLength(seq: number): number | undefined {
    const { body, reply } = this.#template(seq);
    return this.#isLength ? body.length : reply?.bytes.length;
  }

  judge(reply: Buffer, client: number, seq: number): Judgement {
    if (this.#check !== undefined) return this.#check(this.#filled(client, seq).body, reply);
    if (this.#pattern !== undefined) return this.#pattern.test(reply.toString());
    const length = this.replyLength(seq);
    if (this.#isLength && length !== reply.length) return `a reply of ${length} bytes, not ${reply.length}`;
    return this.reply(client, seq)?.equals(reply) ?? true;
  }

  #filled(client: number, seq: number): Template {
    const template = this.#template(seq);
    fillIn(template.body, template.fields, { client, seq, seed: this.#seed });
    return template;
  }

  #template(seq: number): Template {
    return this.#templates[seq % this.#templates.length] as Template;
  }
}

/** What `kind` makes of a message. */
export function transformed(body: Buffer, kind: Transform): Buffer {
  if (kind === 'echo') return body;
  if (kind === 'reverse') return Buffer.from(body).reverse();
  return Buffer.from(kind === 'upper' ? body.toString().toUpperCase() : body.toString().toLowerCase());
}

function templateOf(text: string, framing: Framing, expected: Expected): Template {
  const { bytes, fields } = blankOf(text);
  const frame = encodeMessage(bytes, framing);
  const prefix = frame.indexOf(bytes);
  const body = frame.subarray(prefix, prefix + bytes.length);
  return { frame, body, fields, reply: replyTo({ bytes, fields }, expected) };
}

function replyTo({ bytes, fields }: Blank, expected: Expected): Blank | undefined {
  const { kind } = expected;
  if (kind === 'same') return blankOf(expected.text);
  if (kind !== 'echo' && kind !== 'reverse' && kind !== 'upper' && kind !== 'lower') return undefined;
  // Digits and letters of a field keep their length; the bytes before it may change theirs.
  const placed = ({ at, length }: Field): number =>
    kind === 'reverse' ? bytes.length - at - length : transformed(bytes.subarray(0, at), kind).length;
  const moved = fields.map((field) => ({ ...field, at: placed(field) }));
  return { bytes: Buffer.from(transformed(bytes, kind)), fields: moved };
}
