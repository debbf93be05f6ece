import { describe, expect, it } from 'vitest';
import type { BlockedThread } from '../../src/admin/observed.ts';
import { verdictOf } from '../../src/admin/verdict.ts';
import { stats } from './observed.ts';

const BLOCKED: BlockedThread = {
  thread: 3,
  ms: 6200,
  client: { id: 88_213, address: '10.0.4.17', port: 51_544 },
  code: 'slowReport report.ts:41',
  moved: 203,
  reliefMs: 7,
};

const behind = { session: 0, tls: 0, handler: 0, 'no-thread': 0 };

describe('the verdict', () => {
  it.each([
    ['nobody waits', [], {}, 'No client waits for another.'],
    [
      'a thread is blocked and its clients have left',
      [BLOCKED],
      {},
      'No client waits for another. Thread 3 has been blocked for 6.2 s by client #88213 (10.0.4.17:51544) in slowReport report.ts:41; its 203 other clients left within 7 ms.',
    ],
    [
      'some cannot leave',
      [{ thread: 1, ms: 61_000, moved: 0 }],
      { session: 2, 'no-thread': 1 },
      '3 clients wait behind a blocked thread that they cannot leave: a session stays on its thread; no other thread is free. Thread 1 has been blocked for 1 min by no client: a timer, a promise, or the garbage collector.',
    ],
    [
      'several are blocked, the longest comes first',
      [{ thread: 1, ms: 20, moved: 0 }, BLOCKED, { thread: 2, ms: 30, moved: 0 }],
      { tls: 1 },
      '1 client waits behind a blocked thread that it cannot leave: a TLS client stays on its thread. Thread 3 has been blocked for 6.2 s by client #88213 (10.0.4.17:51544) in slowReport report.ts:41; its 203 other clients left within 7 ms. 2 more threads are blocked.',
    ],
  ])('says it where %s', (_what, blocked: BlockedThread[], waiting, text) => {
    const verdict = verdictOf({ blocked, stats: stats(4, { behindBlocked: { ...behind, ...waiting } }) });
    expect(verdict.text).toBe(text);
  });
});
