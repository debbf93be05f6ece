/** Sends each line of the input as a message and prints the replies, in order: `cat words | heddle client`. */

import type { Connection } from '../../client/connection.ts';
import { MessageReader } from '../../client/message-reader.ts';
import { HeddleError } from '../../errors.ts';
import { createFraming } from '../../framing/framing.ts';
import { print, type Terminal } from '../terminal.ts';

const MAX_LINE_BYTES = 2 ** 30;
const LINE_ENDING = 10;

/** Gives the exit status: 1 if fewer replies came than lines went. */
export async function exchangeLines(connection: Connection, framing: unknown, terminal: Terminal): Promise<number> {
  if (framing === 'chunk') return takeTurns(connection, terminal);
  if (framing === 'end') return sendWhole(connection, terminal);
  return pipeline(connection, terminal);
}

/** In a stream without message boundaries, only waiting for each reply keeps the lines, and the replies, apart. */
async function takeTurns(connection: Connection, terminal: Terminal): Promise<number> {
  for await (const line of lines(terminal.stdin)) {
    if (line.length > 0) await printLine(terminal, await connection.request(line));
  }
  return 0;
}

async function sendWhole(connection: Connection, terminal: Terminal): Promise<number> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks(terminal.stdin)) parts.push(chunk);
  await printLine(terminal, await connection.request(Buffer.concat(parts)));
  return 0;
}

async function pipeline(connection: Connection, terminal: Terminal): Promise<number> {
  const counts = { sent: 0, received: 0, allSent: false };
  const send = async (): Promise<void> => {
    for await (const line of lines(terminal.stdin)) {
      await connection.send(line);
      counts.sent++;
    }
    counts.allSent = true;
    connection.finish();
  };
  const receive = async (): Promise<void> => {
    for await (const reply of connection) {
      counts.received++;
      await printLine(terminal, reply);
    }
    if (!counts.allSent || counts.received < counts.sent) throw closedEarly(counts);
  };
  await Promise.all([send(), receive()]);
  return 0;
}

function closedEarly(counts: { sent: number; received: number }): HeddleError {
  const text = `The server closed the connection early: ${counts.sent} messages went, ${counts.received} replies came`;
  return new HeddleError('HEDDLE_CLOSED', text);
}

async function printLine(terminal: Terminal, reply: Buffer): Promise<void> {
  const ended = reply.at(-1) === LINE_ENDING;
  return print(terminal, ended ? reply : Buffer.concat([reply, Buffer.from('\n')]));
}

/** The lines of `input` as bytes: text that is no valid UTF-8 goes through unharmed. */
async function* lines(input: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  const reader = new MessageReader(createFraming('line', MAX_LINE_BYTES));
  let last: number | undefined = LINE_ENDING;
  for await (const chunk of chunks(input)) {
    last = chunk.at(-1) ?? last;
    yield* reader.read(chunk);
  }
  if (last !== LINE_ENDING) yield* reader.read(Buffer.of(LINE_ENDING));
}

async function* chunks(input: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of input) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}
