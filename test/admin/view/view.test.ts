import { describe, expect, it } from 'vitest';
import { amountText, bytesText, shareText } from '../../../src/admin/view/amounts.ts';
import { viewOf } from '../../../src/admin/view/view.ts';
import { BLOCK, BLOCKED_THREAD, sample, thread, waiting } from './sample.ts';

const SECONDS = 2;
const LATER = { time: 1_000_000 + 1000 * SECONDS };

describe('the view of a server', () => {
  it('has no rates in the first sample, and counts waits since the start', () => {
    const view = viewOf(sample({ response: [9, 0, 1] }));
    expect(view.rates).toBeUndefined();
    expect(view.threads[0]).toEqual({ id: 1, state: 'serving', clients: 10 });
    expect(view.waits).toEqual({ count: 10, p50Ms: 1, p99Ms: 4 });
  });

  it('has what happens in a second from two samples, and the waits between them', () => {
    const before = sample({ messages: 100, accepted: 10, moves: { blocked: 2, even: 1 }, response: [9, 0, 1] });
    const now = sample({
      ...LATER,
      messages: 500,
      receivedBytes: 1000,
      sentBytes: 3000,
      accepted: 14,
      closes: { 'client-finished': 5, 'send-timeout': 1 },
      moves: { blocked: 8, even: 1 },
      response: [9, 4, 1],
      threads: [thread(1, { messages: 400, cpuMs: 500, runDelayMs: 20 }), thread(2)],
    });
    const view = viewOf(now, before);
    const rates = { messages: 200, receivedBytes: 500, sentBytes: 1500, accepted: 2, left: 3, moves: 3 };
    expect(view.rates).toEqual(rates);
    expect(view.threads[0]).toEqual({ id: 1, state: 'serving', clients: 10, messages: 200, cpu: 0.25, delay: 0.01 });
    expect(view.waits).toEqual({ count: 4, p50Ms: 2, p99Ms: 2 });
    expect(view.closed.map(({ by, count, reason }) => [reason, by, count])).toEqual([
      ['client-finished', 'client', 5],
      ['send-timeout', 'limit', 1],
    ]);
    expect(view.cutOff).toBe(1);
  });

  it('counts a thread that was replaced from 0, and begins anew with another process', () => {
    const before = sample({ threads: [thread(1, { messages: 1000 })], response: [50, 0, 0] });
    const replaced = sample({ ...LATER, threads: [thread(1, { messages: 10 })], response: [4, 0, 0] });
    expect(viewOf(replaced, before)).toMatchObject({ threads: [{ messages: 5 }], waits: { count: 4 } });
    const { server } = replaced.snapshot;
    expect(viewOf(sample({ ...LATER, server: { ...server, pid: 1 } }), before).rates).toBeUndefined();
  });

  it('leaves out the CPU of threads where no clock can be read', () => {
    const blind = { id: 1, clients: 1, messages: 5, blockedMs: 0 };
    const view = viewOf(sample({ ...LATER, threads: [blind] }), sample({ threads: [blind] }));
    expect(view.threads).toEqual([{ id: 1, state: 'serving', clients: 1, messages: 0 }]);
  });

  it('says of a blocked thread who blocks it, and passes on who waits', () => {
    const view = viewOf(sample({ threads: [thread(1), BLOCKED_THREAD] }, [waiting()]));
    expect(view.threads[1]).toMatchObject({ state: 'blocked', block: BLOCK });
    expect(view.waiting).toEqual([waiting()]);
  });

  it('puts the nearest limit first, and leaves out one of nothing', () => {
    const view = viewOf(
      sample({
        clients: 900,
        files: { used: 950, limit: 1000 },
        threads: [thread(1), BLOCKED_THREAD],
        acceptQueue: [
          { listener: '0.0.0.0:4000', length: 1, limit: 100 },
          { listener: '0.0.0.0:4443', length: 0, limit: 0 },
        ],
      }),
    );
    expect(view.limits.map(({ name, share }) => [name, share])).toEqual([
      ['open files', 0.95],
      ['clients', 0.9],
      ['blocked threads', 0.25],
      ['accept queue 0.0.0.0:4000', 0.01],
      ['parts of messages', 0],
    ]);
  });
});

describe('an amount', () => {
  it.each([
    [0, '0'],
    [12.4, '12'],
    [999.4, '999'],
    [999.6, '1.0 k'],
    [4949, '4.9 k'],
    [184_000, '184 k'],
    [1_311_000, '1.3 M'],
  ])('%d is written %s', (amount, text) => expect(amountText(amount)).toBe(text));

  it('of bytes has its unit, and a share is never rounded to nothing', () => {
    expect([bytesText(12), bytesText(1234)]).toEqual(['12 B', '1.2 kB']);
    expect([shareText(0), shareText(0.001), shareText(0.314)]).toEqual(['0 %', '<1 %', '31 %']);
  });
});
