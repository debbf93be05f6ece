import { constants as osConstants } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { ThreadContext } from '../../../src/connection/context.ts';
import {
  type FailingConnection,
  refuseFrame,
  refuseSend,
  sendFailed,
  serviceFailed,
} from '../../../src/connection/end/failures.ts';
import { CLOSED, GOING } from '../../../src/connection/flags.ts';
import { HeddleError } from '../../../src/errors.ts';
import { BAD, TOO_LONG } from '../../../src/framing/frame.ts';

const thrown = new Error('of the service');
const reason = new Error('the client has shut down its side');
const closedError = new HeddleError('HEDDLE_CLOSED', 'the client is gone: shutdown');

interface Given {
  /** What the framing says of a bad frame; left out, it has no words for it. */
  readonly refuse?: () => string;
  /** Why the connection is ending, if it does. */
  readonly ending?: string;
  readonly flags?: number;
}

/** A connection that logs what is done to it. */
function failing({ refuse, ending, flags = 0 }: Given = {}) {
  const log: unknown[] = [];
  const connection = {
    codec: { framing: refuse === undefined ? {} : { refuse } },
    ending: ending === undefined ? undefined : { reason: ending, hasThrown: (error: unknown) => error === closedError },
    output: { replyAsItIs: (words: unknown) => void log.push(['reply', words]) },
    is: (asked: number) => (asked & flags) !== 0,
    finish: (...why: unknown[]) => void log.push(['finish', ...why]),
    closeNow: (...why: unknown[]) => void log.push(['close', ...why]),
    cutOff: (...why: unknown[]) => void log.push(['cutOff', ...why]),
    closedError: () => closedError,
  } as unknown as FailingConnection;
  const context = {
    frame: { problem: 'no length' },
    signals: { isReason: (_connection: unknown, error: unknown) => error === reason },
    serviceFailed: (_connection: unknown, error: Error) => void log.push(['reported', error.message]),
  } as unknown as ThreadContext;
  return { connection, context, log };
}

describe('a client that sends no message', () => {
  it('is told so in the words of its framing, then closed', () => {
    const { connection, context, log } = failing({ refuse: () => 'ERR\n' });
    refuseFrame(connection, context, BAD);
    expect(log).toEqual([
      ['reply', 'ERR\n'],
      ['finish', 'bad-frame', 'no length'],
    ]);
  });

  it('is closed without a word where its framing has none', () => {
    const { connection, context, log } = failing();
    refuseFrame(connection, context, TOO_LONG);
    expect(log).toEqual([['finish', 'message-too-long', 'no length']]);
  });

  it('is closed although its framing throws, which is reported', () => {
    const refuse = (): string => {
      throw thrown;
    };
    const { connection, context, log } = failing({ refuse });
    refuseFrame(connection, context, BAD);
    expect(log.slice(0, 2)).toEqual([
      ['reported', thrown.message],
      ['finish', 'service-error'],
    ]);
  });
});

describe('a service that throws', () => {
  it('is reported, and its client is closed', () => {
    const { connection, context, log } = failing({ ending: 'idle-timeout' });
    serviceFailed(connection, context, thrown);
    expect(log).toEqual([
      ['reported', thrown.message],
      ['finish', 'service-error'],
    ]);
  });

  it('is not reported for the reason of the signal, which says why the client is closed', () => {
    const { connection, context, log } = failing({ flags: GOING });
    serviceFailed(connection, context, reason);
    const leaving = failing();
    serviceFailed(leaving.connection, leaving.context, reason);
    expect([...log, ...leaving.log]).toEqual([
      ['finish', 'client-finished'],
      ['finish', 'shutdown'],
    ]);
  });

  it('is not reported for the error that told it of the end', () => {
    const { connection, context, log } = failing({ ending: 'idle-timeout' });
    serviceFailed(connection, context, closedError);
    expect(log).toEqual([]);
  });
});

describe('a send that fails', () => {
  it('ends the connection, and says what it was being closed for', () => {
    const { connection, context, log } = failing({ ending: 'shutdown' });
    sendFailed(connection, context, -osConstants.errno.EPIPE);
    expect(log).toEqual([['close', 'client-reset', 'EPIPE, while it was being closed for shutdown']]);
  });

  it('is the service’s error when the bytes are gone, and cuts the client off: half a message must not look whole', () => {
    const { connection, context, log } = failing();
    sendFailed(connection, context, -osConstants.errno.EFAULT);
    expect(log).toEqual([
      ['reported', expect.stringContaining('were detached or shrunk')],
      ['cutOff', 'service-error', 'bytes that were to be sent are gone'],
    ]);
  });

  it.each([
    ['it has moved', {}, 'the client is gone: it was closed or has moved to another thread'],
    ['it is ending', { ending: 'idle-timeout' }, 'the client is gone: idle-timeout'],
    ['it is closed', { ending: 'shutdown', flags: CLOSED }, closedError.message],
  ])('is refused with a reason when %s', async (_what, given, message) => {
    await expect(refuseSend(failing(given).connection)).rejects.toThrow(message);
  });
});
