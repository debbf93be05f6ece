/** Finds the fields of a text, such as `{nonce}`, and fills them in anew for each message. */

const CLIENT_DIGITS = 6;
const NUMBER_DIGITS = 10;

/** Where a text has the number of its message: the client's number and the message's own, as in `{client}{seq}`. */
export const NONCE = '{nonce}';
export const NONCE_LENGTH = CLIENT_DIGITS + NUMBER_DIGITS;

const FIELD = /\{(?:(nonce|client|seq)|random:(\d{1,6}))\}/g;
const LENGTHS = { nonce: NONCE_LENGTH, client: CLIENT_DIGITS, seq: NUMBER_DIGITS } as const;

const [ZERO, SMALL_A, LARGE_A, LETTERS] = [48, 97, 65, 26] as const;

/** Which message a field is filled in for. */
export interface MessageNumber {
  readonly client: number;
  /** The message's own number among those of its client. */
  readonly seq: number;
  /** Of its random letters. */
  readonly seed: number;
}

/** A place in bytes that differs from message to message. */
export interface Field {
  readonly kind: 'nonce' | 'client' | 'seq' | 'random';
  readonly at: number;
  readonly length: number;
  /** Which of the random fields of its text it is. */
  readonly index: number;
}

/** A text as bytes, with zeros in place of its fields. */
export interface Blank {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

/** How a field of a reply differs from that of the message. */
export interface Change {
  readonly isUpper: boolean;
  readonly isReversed: boolean;
}

const SAME: Change = { isUpper: false, isReversed: false };

export function blankOf(text: string): Blank {
  const fields: Field[] = [];
  let [blank, end, index] = ['', 0, 0];
  for (const { 0: mark, 1: name, 2: letters, index: at } of text.matchAll(FIELD)) {
    blank += text.slice(end, at);
    const kind = (name ?? 'random') as Field['kind'];
    const length = kind === 'random' ? Number(letters) : LENGTHS[kind];
    fields.push({ kind, at: Buffer.byteLength(blank), length, index: kind === 'random' ? index++ : 0 });
    blank += '0'.repeat(length);
    end = at + mark.length;
  }
  return { bytes: Buffer.from(blank + text.slice(end)), fields };
}

/** Fills in `fields` of `bytes`; by loops, since it runs for each message. */
export function fillIn(bytes: Buffer, fields: readonly Field[], message: MessageNumber, change = SAME): void {
  for (const field of fields) {
    const { at, kind, length } = field;
    if (kind === 'random') writeLetters(bytes, field, message, change.isUpper ? LARGE_A : SMALL_A);
    else if (kind === 'client') writeDigits(bytes, at, CLIENT_DIGITS, message.client);
    else if (kind === 'seq') writeDigits(bytes, at, NUMBER_DIGITS, message.seq);
    else {
      writeDigits(bytes, at, CLIENT_DIGITS, message.client);
      writeDigits(bytes, at + CLIENT_DIGITS, NUMBER_DIGITS, message.seq);
    }
    if (change.isReversed) bytes.subarray(at, at + length).reverse();
  }
}

/** The text of a message. */
export function filledText(text: string, message: MessageNumber): string {
  const { bytes, fields } = blankOf(text);
  fillIn(bytes, fields, message);
  return bytes.toString();
}

/** Letters that depend on the message alone, so a reply can be checked without keeping what was sent. */
function writeLetters(bytes: Buffer, { at, index, length }: Field, { client, seed, seq }: MessageNumber, a: number) {
  let state = mixed(mixed(mixed(seed + 1) ^ client) ^ seq) ^ index;
  for (let place = at; place < at + length; place++) {
    state = mixed(state);
    bytes[place] = a + ((state >>> 0) % LETTERS);
  }
}

/** Another number for each, as different as can be (the finalizer of MurmurHash3). */
function mixed(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let left = value;
  for (let place = at + digits - 1; place >= at; place--) {
    const rest = Math.floor(left / 10);
    bytes[place] = ZERO + left - rest * 10;
    left = rest;
  }
}
