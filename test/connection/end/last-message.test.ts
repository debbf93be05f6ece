import { describe, expect, it } from 'vitest';
import type { ThreadContext } from '../../../src/connection/context.ts';
import { takeLastMessage } from '../../../src/connection/end/last-message.ts';
import { CLOSED, FINISHING } from '../../../src/connection/flags.ts';
import type { Strategy } from '../../../src/connection/strategy.ts';
import { BAD, INCOMPLETE, MESSAGE, type FrameStatus } from '../../../src/framing/frame.ts';

interface Given {
  /** What the framing finds in what was kept; left out, nothing was kept. */
  readonly status?: FrameStatus;
  readonly flags?: number;
  /** The connection below TLS has ended, and no close_notify came. */
  readonly isCutShort?: boolean;
  /** The service closes its client with the last message. */
  readonly closes?: boolean;
  /** It comes too soon for the client's rate. */
  readonly isTooSoon?: boolean;
}

/** Ends the input of a connection; returns what was done to it and said to its service. */
function ended({ status, flags = 0, isCutShort = false, closes = false, isTooSoon = false }: Given): unknown[] {
  const log: unknown[] = [];
  let now = flags;
  const connection = {
    fd: 5,
    input: { rest: () => status !== undefined, drop: () => void log.push('drop') },
    lease: { messageDone: () => undefined },
    is: (asked: number) => (now & asked) !== 0,
    finish: (reason: string) => void log.push(['finish', reason]),
    refuseFrame: (found: FrameStatus) => void log.push(['refuse', found]),
  };
  const strategy = {
    codec: { framing: { finish: () => status, endCompletes: true } },
    deliverLast: () => {
      log.push('message');
      if (closes) now |= CLOSED;
      return !isTooSoon;
    },
    inputEnded: () => void log.push('ended'),
  };
  const context = {
    frame: {},
    reader: { bytes: Buffer.alloc(0), from: 0, to: 0 },
    isCutShort: () => isCutShort,
  };
  takeLastMessage(connection as never, strategy as unknown as Strategy, context as unknown as ThreadContext);
  return log;
}

describe('the end of what a client sends', () => {
  it.each<[string, Given, unknown[]]>([
    ['comes after the last message, if one is left', { status: MESSAGE }, ['message', 'drop', 'ended']],
    ['is all there is, if nothing is left', {}, ['drop', 'ended']],
    ['drops half a message that needs no answer', { status: INCOMPLETE }, ['drop', 'ended']],
    ['refuses half a message that needs one', { status: BAD }, ['drop', ['refuse', BAD]]],
    [
      'makes no message of what somebody has cut short under TLS',
      { status: MESSAGE, isCutShort: true },
      ['drop', ['finish', 'tls-error']],
    ],
    ['says no more when the last message has closed the connection', { status: MESSAGE, closes: true }, ['message']],
    ['waits while the last message waits for its rate', { status: MESSAGE, isTooSoon: true }, ['message']],
    ['is of no interest to a connection that is finishing', { status: MESSAGE, flags: FINISHING }, []],
  ])('%s', (_what, given, log) => {
    expect(ended(given)).toEqual(log);
  });
});
