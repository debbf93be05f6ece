import { describe, expect, it } from 'vitest';
import { type Finding, findings } from '../../../src/admin/control/doctor.ts';
import type { HandlerTrend, Observed } from '../../../src/admin/observed.ts';
import { observed, stats } from '../observed.ts';

const CROWD = { largest: { address: '10.0.0.9', clients: 3 } };
const DAY = 86_400_000;
const { counts, lastHour } = observed(2);
const blockedThread = { id: 1, isRunning: true, clients: 3, messages: 0, heapBytes: 0, blockedMs: 900 };
const behindBlocked = { session: 2, tls: 0, handler: 0, 'no-thread': 0 };

describe('doctor', () => {
  it('has nothing to say of a healthy server', () => {
    const healthy = observed(4, {
      stats: stats(4, { clients: 500, messages: 1e6, starved: 3e5 }),
      counts: { ...counts, threadExits: 5, eventsLost: 7 },
      codes: [{ code: 'load chat.ts:8', count: 400, lastHour: 3, longestMs: 620, totalMs: 999, moved: 1 }],
      lastHour: { threadExits: 0, eventsLost: 0, starved: 29, demoted: 3 },
      certificates: [{ certificate: 'cert.pem', expires: 90 * DAY }],
    });
    expect(findings(healthy, CROWD)).toEqual([]);
  });

  it.each<[string, Partial<Observed>, Finding['level'], RegExp]>([
    [
      'blocked',
      { blocked: [{ thread: 1, ms: 900, moved: 4, reliefMs: 7, code: 'load chat.ts:8' }] },
      'warn',
      /Thread 1 has been blocked for 900 ms .*load chat.ts:8; its 4 other clients left within 7 ms/,
    ],
    [
      'no-thread',
      { threads: { min: 1, max: 1 }, stats: stats(1, { threads: [blockedThread] }) },
      'act',
      /The only thread is blocked/,
    ],
    ['pinned', { behindBlockedFor: () => behindBlocked }, 'act', /2 clients cannot leave a blocked thread/],
    [
      'code',
      { codes: [{ code: 'load chat.ts:8', count: 9, lastHour: 4, longestMs: 620, totalMs: 999, moved: 1 }] },
      'warn',
      /load chat.ts:8 has blocked a thread 4 times in the last hour, for 620 ms at worst/,
    ],
    [
      'handlers',
      {
        stats: stats(2, { clients: 100, handlersRunning: 60 }),
        handlers: { answered: 59, usualShare: 0.3 },
      },
      'warn',
      /60 handlers of the service wait, for 60 % of the clients, and 59 messages were answered in the last two minutes/,
    ],
    ['no-privilege', { lastHour: { ...lastHour, demoted: 4 } }, 'note', /4 threads were replaced/],
    ['starved', { lastHour: { ...lastHour, starved: 31 } }, 'warn', /stood still 31 times/],
    ['clients', { stats: stats(2, { clients: 800 }) }, 'act', /800 of 1,000 clients are taken/],
    ['arena', { arena: { used: 60, size: 64 } }, 'act', /60 of 64 bytes/],
    ['accept-queue', { acceptQueue: [{ listener: ':4000', length: 9, limit: 16 }] }, 'act', /9 of 16 places/],
    ['events-lost', { lastHour: { ...lastHour, eventsLost: 2 } }, 'warn', /2 events/],
    ['certificate', { certificates: [{ certificate: 'cert.pem', expires: 10 * DAY }] }, 'warn', /expires in 10 d/],
    ['certificate', { certificates: [{ certificate: 'cert.pem', expires: -1 }] }, 'act', /has expired/],
    ['reload', { counts: { ...counts, lastReloadFailed: true } }, 'act', /The last reload has failed/],
    ['thread-exits', { lastHour: { ...lastHour, threadExits: 1 } }, 'warn', /1 service thread/],
    ['engine', { engine: 'net' }, 'note', /no client changes threads/],
  ])('speaks of %s, with evidence and advice', (rule, more, level, evidence) => {
    const found = findings(observed(2, more), CROWD);
    expect(found.map((finding) => finding.rule)).toEqual([rule]);
    expect(found[0]).toMatchObject({
      level,
      evidence: expect.stringMatching(evidence),
      advice: expect.stringMatching(/./),
    });
  });

  it('speaks of clients that do not read, and of one address with many clients', () => {
    const notReading = { clientsNotReading: 4, unsentBytes: 3 * 2 ** 20 };
    const crowded = observed(2, { stats: stats(2, { clients: 100 }), notReading });
    const found = findings(crowded, { largest: { address: '10.0.0.9', clients: 40 } });
    expect(found.map(({ rule }) => rule)).toEqual(['not-reading', 'one-address']);
    expect(found[0]?.evidence).toBe('4 clients do not read what waits for them: 3.1 MB');
    expect(found[1]?.evidence).toBe('40 of 100 clients come from 10.0.0.9');
  });

  it.each<[string, number, number, HandlerTrend]>([
    ['wait no longer than usual', 100, 60, { answered: 10, usualShare: 0.31 }],
    ['are answered within a minute', 100, 60, { answered: 60, usualShare: 0 }],
    ['are few', 100, 49, { answered: 0, usualShare: 0 }],
    ['are those of a young server', 100, 60, { answered: 0 }],
  ])('says nothing of handlers that %s', (_why, clients, handlersRunning, handlers) => {
    expect(findings(observed(2, { stats: stats(2, { clients, handlersRunning }), handlers }), CROWD)).toEqual([]);
  });

  it('passes over a block that is gone before anybody reads of it', () => {
    const briefly = { ...blockedThread, blockedMs: 499 };
    const asked: number[] = [];
    const brief = observed(1, {
      threads: { min: 1, max: 1 },
      stats: stats(1, { threads: [briefly], behindBlocked }),
      blocked: [{ thread: 1, ms: 499, moved: 0 }],
      behindBlockedFor(ms) {
        asked.push(ms);
        return { session: 0, tls: 0, handler: 0, 'no-thread': 0 };
      },
    });
    expect(findings(brief, CROWD)).toEqual([]);
    expect(asked).toEqual([500]);
  });

  it('says first what hurts now', () => {
    const found = findings(observed(2, { engine: 'net', arena: { used: 64, size: 64 } }), CROWD);
    expect(found.map(({ level }) => level)).toEqual(['act', 'note']);
  });
});
