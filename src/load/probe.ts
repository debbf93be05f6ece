/** Asks a server twice, before the load begins, and finds out what a right reply is. */

import type { Connection } from '../client/connection.ts';
import { HeddleError } from '../errors.ts';
import { type Expected, NONCE, NONCE_LENGTH, transformed, withNonce } from './messages.ts';

/** How long a reply in several pieces may pause, in ms, where nothing says how long it is. */
const PAUSE_MS = 200;

const KINDS = ['echo', 'reverse', 'upper', 'lower'] as const;

/** What was asked, and the reply. */
interface Exchange {
  readonly sent: Buffer;
  readonly got: Buffer;
}

/**
 * Sends `text` twice, with two numbers, and gives what explains both replies: the message, its bytes reversed, upper case, lower case,
 * or one text that is always the same. `any`: nothing does, so replies cannot be checked. `open`: makes a connection.
 * Rejects with HEDDLE_TIMEOUT or HEDDLE_CLOSED if there is no reply.
 */
export async function findExpected(
  open: () => Promise<Connection>,
  text: string,
  isChunked: boolean,
): Promise<Expected> {
  const first = await ask(open, withNonce(text, 0, 12_345_678), isChunked);
  const second = await ask(open, withNonce(text, 1, 87_654_321), isChunked);
  const kind = KINDS.find((each) => [first, second].every(({ got, sent }) => transformed(sent, each).equals(got)));
  if (kind !== undefined) return { kind };
  const [one, other] = [first, second].map(({ got, sent }) => withoutNonce(got, sent, text));
  const isText = first.got.equals(Buffer.from(first.got.toString()));
  return one !== undefined && one === other && isText ? { kind: 'same', text: one } : { kind: 'any' };
}

/** The reply with the mark of a number in place of the number that was sent. */
function withoutNonce(got: Buffer, sent: Buffer, text: string): string {
  const at = text.indexOf(NONCE);
  const number = at < 0 ? '' : sent.toString().slice(at, at + NONCE_LENGTH);
  return number === '' ? got.toString() : got.toString().replace(number, NONCE);
}

async function ask(open: () => Promise<Connection>, text: string, isChunked: boolean): Promise<Exchange> {
  const sent = Buffer.from(text);
  const connection = await open();
  try {
    await connection.send(sent);
    const first = await connection.receive();
    if (first === undefined)
      throw new HeddleError('HEDDLE_CLOSED', 'The server closed the connection instead of replying');
    return { sent, got: isChunked ? await whole(connection, first, sent.length) : first };
  } finally {
    await connection.close();
  }
}

/** In a stream without message boundaries, a reply ends where it is as long as the message, or when nothing more comes. */
async function whole(connection: Connection, first: Buffer, length: number): Promise<Buffer> {
  let reply = first;
  while (reply.length < length) {
    const more = await Promise.race([connection.receive().catch(() => undefined), pause()]);
    if (more === undefined) break;
    reply = Buffer.concat([reply, more]);
  }
  return reply;
}

function pause(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), PAUSE_MS).unref());
}
