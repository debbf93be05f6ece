import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { decodeEvent, encodeEvent } from '../../src/log/event-record.ts';
import { CLOSE_REASONS } from '../../src/sharing/close-reason.ts';
import { UNIX_PEER } from '../../src/sys/structs/socket-address.ts';

const about = {
  time: fc.integer({ min: 0, max: 2 ** 45 }),
  client: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant(UNIX_PEER)),
  port: fc.integer({ min: 0, max: 65_535 }),
  thread: fc.integer({ min: 1, max: 500 }),
};

describe('an event of a client', () => {
  it('is read as it was written, when the client came', () => {
    fc.assert(
      fc.property(fc.record(about), (client) => {
        const event: ServerEvent = { type: 'open', ...client };
        expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
      }),
    );
  });

  it('is read as it was written, when the client is gone, with a detail and without', () => {
    const detail = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(fc.record(about), fc.constantFrom(...CLOSE_REASONS), detail, (client, reason, what) => {
        const event: ServerEvent = { type: 'close', ...client, reason, ...(what !== undefined && { detail: what }) };
        expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
      }),
    );
  });

  it('is short, since there are two for each client', () => {
    const client = { time: 1_764_432_000_000, client: 7, address: '127.0.0.1', port: 4567, thread: 2 };
    expect(encodeEvent({ type: 'close', ...client, reason: 'client-finished' })).toBe(
      'c 1764432000000 7 127.0.0.1 4567 2 client-finished',
    );
  });
});

describe('any other event', () => {
  it('is read as it was written', () => {
    const error = { code: 'HEDDLE_SERVICE_ERROR', message: 'o c\n{"type":"open"}' };
    const events: ServerEvent[] = [
      { type: 'rejects-hidden', time: 1, count: 3 },
      { type: 'service-error', time: 1, client: 2, address: '::1', port: 3, thread: 4, error },
      { type: 'thread-exit', time: 1, thread: 2, cause: 'c', detail: 'o' },
    ];
    for (const event of events) expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
  });
});
