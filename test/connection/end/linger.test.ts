import { constants as osConstants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Linger } from '../../../src/connection/end/linger.ts';
import type { Service } from '../../../src/connection/service.ts';
import { NEW } from '../../../src/sharing/connection-table.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from '../../../src/sys/constants.ts';
import { EAGAIN, ECONNRESET } from '../../../src/sys/errno.ts';
import { playClock, type PlayedClock } from '../../support/played-clock.ts';
import { ScriptedThread, type ScriptedSocket } from '../scripted-thread.ts';

const SEND_TIMEOUT = 5000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Linger', () => {
  it('waits while the client takes something now and then, and gives it up when it has not for sendTimeout', () => {
    const linger = new Linger(0, 9000, SEND_TIMEOUT);
    expect([4000, 8000, 12_000].map((now) => linger.look(now, 9000 - now / 2))).toEqual(['wait', 'wait', 'wait']);
    expect(linger.look(16_999, 3000)).toBe('wait');
    expect(linger.look(17_000, 3000)).toBe('stuck');
  });

  it('waits for ever with a sendTimeout of Infinity', () => {
    expect(new Linger(0, 1, Infinity).look(1e9, 1)).toBe('wait');
  });

  it('is done when the client has taken everything and is quiet for a second', () => {
    const linger = new Linger(0, 0, SEND_TIMEOUT);
    linger.heard(500);
    expect([linger.look(1000, 0), linger.look(1499, 0), linger.look(1500, 0)]).toEqual(['wait', 'wait', 'done']);
  });

  it('does not wait for ever for a client that never is quiet', () => {
    for (const [sendTimeout, most] of [
      [SEND_TIMEOUT, SEND_TIMEOUT],
      [Infinity, 10_000],
    ] as const) {
      const linger = new Linger(0, 100, sendTimeout);
      linger.look(700, 0);
      let now = 700;
      do {
        now += 500;
        linger.heard(now);
      } while (linger.look(now, 0) === 'wait');
      expect(now).toBeGreaterThanOrEqual(700 + most);
      expect(now).toBeLessThan(700 + most + 600);
    }
  });
});

describe('a connection whose end was sent', () => {
  let clock: PlayedClock;
  beforeEach(() => {
    clock = playClock();
    vi.useFakeTimers({ toFake: ['setTimeout'] });
  });
  afterEach(() => void vi.useRealTimers());

  /** Ways to end: each sends a reply first. */
  const ways: [string, Service, (scripted: ScriptedThread) => void, string][] = [
    [
      'a session that returns',
      { session: async (client) => (await client.receive(), await client.send('bye')) },
      () => {},
      'server-finished',
    ],
    ['client.close()', { message: (_, client) => (client.close(), 'bye') }, () => {}, 'server-finished'],
    [
      'a handler that throws',
      { message: (_, client) => (void client.send('bye'), Promise.reject(new Error('no'))) },
      () => {},
      'service-error',
    ],
    ['a drain', { message: () => 'bye' }, (scripted) => scripted.thread.drain(), 'shutdown'],
  ];

  async function ended(service: Service, end: (scripted: ScriptedThread) => void, unsent: number) {
    const timeouts = { idleTimeout: 2000, messageTimeout: 2000, sendTimeout: SEND_TIMEOUT };
    const scripted = await ScriptedThread.create(service, 'line', timeouts);
    const { socket, generation } = scripted.admit(5, NEW);
    socket.incoming = [Buffer.from('go\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    socket.unsent = unsent;
    end(scripted);
    await turn();
    expect(socket.calls).toContain('shutdown');
    const serve = (mask = EPOLLIN): void => {
      scripted.thread.begin();
      scripted.thread.serve(5, generation, mask);
    };
    const closes = () => scripted.events.filter(({ type }) => type === 'close');
    return { scripted, socket, serve, closes };
  }

  /** Time passes; deadlines are looked at as well. */
  function pass(ms: number, scripted: ScriptedThread): void {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.now += 500;
      vi.advanceTimersByTime(500);
      scripted.thread.closeExpired();
    }
  }

  function says(socket: ScriptedSocket, serve: () => void): void {
    socket.incoming = [Buffer.from('ping\n')];
    serve();
    expect(socket.incoming).toEqual([]);
  }

  describe.each(ways)('by %s', (_way, service, end, reason) => {
    it('stays open while its client takes what was sent and goes on sending, and closes when that is quiet', async () => {
      const { scripted, socket, serve, closes } = await ended(service, end, 8001);
      for (let left = 7001; left > 1; left -= 1000) {
        says(socket, serve);
        pass(4000, scripted);
        expect(closes()).toEqual([]);
        socket.unsent = left;
      }
      socket.unsent = 0;
      says(socket, serve);
      pass(2500, scripted);
      expect(closes()).toMatchObject([{ reason }]);
      expect(socket.calls).not.toContain('discard');
    });

    it('is closed with send-timeout when its client takes nothing more', async () => {
      const { scripted, socket, closes } = await ended(service, end, 8001);
      pass(SEND_TIMEOUT + 1500, scripted);
      expect(closes()).toMatchObject([
        { reason: 'send-timeout', detail: '8000 bytes wait for it that it does not read' },
      ]);
      expect(socket.calls.slice(-2)).toEqual(['discard', 'close']);
    });

    it('says so when its client resets before it has taken everything, and only then', async () => {
      for (const [unsent, expected] of [
        [8001, { reason: 'client-reset', detail: 'ECONNRESET, 8000 bytes were not taken' }],
        [1, { reason }],
        [0, { reason }],
      ] as const) {
        const { socket, serve, closes } = await ended(service, end, 9001);
        socket.unsent = unsent;
        socket.error = ECONNRESET;
        serve(EPOLLIN | EPOLLHUP | EPOLLERR);
        expect(closes()).toMatchObject([expected]);
      }
    });

    it('is closed at once when its client ends its side and has taken everything, else when it has', async () => {
      const { socket, serve, closes } = await ended(service, end, 1);
      socket.incoming = [undefined];
      serve(EPOLLIN | EPOLLRDHUP);
      expect(closes()).toMatchObject([{ reason }]);
      const other = await ended(service, end, 3001);
      other.socket.incoming = [undefined];
      other.serve(EPOLLIN | EPOLLRDHUP);
      pass(4000, other.scripted);
      expect(other.closes()).toEqual([]);
      other.socket.unsent = 0;
      other.serve(EPOLLIN | EPOLLRDHUP | EPOLLHUP);
      expect(other.closes()).toMatchObject([{ reason }]);
    });
  });

  it('stays open for a client that has shut down its side and has more to take', async () => {
    const scripted = await ScriptedThread.create({ message: () => 'bye' });
    const { socket, generation } = scripted.admit(5);
    socket.unsent = 4000;
    socket.incoming = [Buffer.from('go\n'), undefined];
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP);
    expect(socket.calls).toContain('shutdown');
    expect(scripted.events).toEqual([]);
    socket.unsent = 0;
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-finished' }]);
  });

  it('does not linger where its client has reset it while the last message was worked on', async () => {
    const scripted = await ScriptedThread.create({ message: (line) => line });
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('go\n'), undefined];
    socket.unsent = 3;
    socket.ended = -osConstants.errno.ENOTCONN;
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP);
    expect(scripted.events).toMatchObject([
      { type: 'close', reason: 'client-reset', detail: 'ENOTCONN, while it was being closed for client-finished' },
    ]);
    expect(socket.closedIn).toBeDefined();
  });

  it('is looked at again when another one that lingers is closed', async () => {
    const { scripted, socket, closes } = await ended(ways[0]![1], () => {}, 8001);
    pass(500, scripted);
    const { socket: late, generation } = scripted.admit(6, NEW);
    late.incoming = [Buffer.from('go\n')];
    scripted.thread.begin();
    scripted.thread.serve(6, generation, EPOLLIN);
    await turn();
    late.error = EAGAIN;
    pass(1500, scripted);
    expect(closes()).toMatchObject([{ port: 1006, reason: 'server-finished' }]);
    socket.unsent = 0;
    pass(1500, scripted);
    expect(closes()).toHaveLength(2);
  });
});
