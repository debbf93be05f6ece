/** Asks a server twice, before the load begins, and finds out what a right reply is. */

import type { Connection } from '../../client/connection.ts';
import { HeddleError } from '../../errors.ts';
import type { Expected } from './expected.ts';
import { blankOf, filledText, type MessageNumber } from './fields.ts';
import { transformed } from './messages.ts';

/** How long a reply in several pieces may pause, in ms, where nothing says how long it is. */
const PAUSE_MS = 200;

const KINDS = ['echo', 'reverse', 'upper', 'lower'] as const;

/** Two messages of which nothing but the text is the same. */
const [FIRST, SECOND]: readonly [MessageNumber, MessageNumber] = [
  { client: 271_828, seq: 3_141_592_653, seed: 1 },
  { client: 577_215, seq: 6_626_070_150, seed: 1 },
];

/** What was asked, and the reply. */
interface Exchange {
  readonly sent: Buffer;
  readonly got: Buffer;
}

/**
 * Sends `text` twice, with other fields, and gives what explains both replies: the message, its bytes reversed, upper case, lower case,
 * or one text that is always the same. `none`: nothing does, so replies cannot be checked. `open`: makes a connection.
 * Rejects with HEDDLE_TIMEOUT or HEDDLE_CLOSED if there is no reply.
 */
export async function findExpected(
  open: () => Promise<Connection>,
  text: string,
  isChunked: boolean,
): Promise<Expected> {
  const first = await ask(open, filledText(text, FIRST), isChunked);
  const second = await ask(open, filledText(text, SECOND), isChunked);
  const kind = KINDS.find((each) => [first, second].every(({ got, sent }) => transformed(sent, each).equals(got)));
  if (kind !== undefined) return { kind };
  const [one, other] = [withMarks(first, text), withMarks(second, text)];
  const isText = first.got.equals(Buffer.from(first.got.toString()));
  // A mark that the server itself sends would be taken for a field.
  const hasMarks = blankOf(first.got.toString()).fields.length > 0;
  return one === other && isText && !hasMarks ? { kind: 'same', text: one } : { kind: 'none' };
}

/** The reply with the marks of numbers in place of what was sent for them. Random letters, which may be few, could be in it by chance. */
function withMarks({ got, sent }: Exchange, text: string): string {
  const numbers = blankOf(text).fields.filter(({ kind }) => kind !== 'random');
  const longestFirst = numbers.toSorted((one, other) => other.length - one.length);
  return longestFirst.reduce(
    (reply, { at, kind, length }) => reply.replaceAll(sent.toString('latin1', at, at + length), `{${kind}}`),
    got.toString(),
  );
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
