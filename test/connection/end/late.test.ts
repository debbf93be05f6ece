/** Clients that have let a deadline pass, or only seem to: a thread looks at what it has not read before it closes one. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Service } from '../../../src/connection/service.ts';
import { NEW, PROXIED } from '../../../src/sharing/connection-table.ts';
import { sharedTime } from '../../../src/sharing/clock.ts';
import { PINNED, IDLE } from '../../../src/sharing/control-word.ts';
import { EPOLLIN, EPOLLOUT } from '../../../src/sys/constants.ts';
import { EAGAIN } from '../../../src/sys/errno.ts';
import { playClock, type PlayedClock } from '../../support/played-clock.ts';
import { ScriptedThread } from '../scripted-thread.ts';

const IDLE_MS = 1000;
const timeouts = { idleTimeout: IDLE_MS, messageTimeout: 3000, sendTimeout: 5000 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let clock: PlayedClock;
beforeEach(() => void (clock = playClock()));

async function scripted(service: Service, flags = NEW) {
  const thread = await ScriptedThread.create(service, 'line', timeouts);
  const { socket, generation } = thread.admit(5, flags);
  thread.table.setLastActivity(5, sharedTime(clock.now));
  /** An event tells of these bytes. */
  const hear = (text: string): void => {
    socket.incoming = [Buffer.from(text)];
    thread.thread.begin();
    thread.thread.serve(5, generation, EPOLLIN);
  };
  /** Time passes, and the acceptor has told the thread that some clients are late. */
  const later = (ms: number): unknown[] => {
    clock.now += ms;
    thread.thread.closeExpired();
    return thread.events.filter(({ type }) => type === 'close').map((event) => 'reason' in event && event.reason);
  };
  return { thread, socket, generation, hear, later };
}

/** Handlers that are at work, and how to let them go on. */
function gated() {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const ways: Service[] = [
    { message: async (message) => (await gate, message) },
    {
      async session(client) {
        for await (const message of client) {
          await gate;
          await client.send(message as Buffer);
        }
      },
    },
    {
      async session(client) {
        for await (const message of client) {
          await client.send('progress');
          await gate;
          await client.send(message as Buffer);
        }
      },
    },
    { open: () => gate, message: (message) => message },
  ];
  return { open, ways };
}

describe('a client', () => {
  it.each([0, 1, 2, 3])(
    'is not idle while the service works for it: idleness begins when its answer has left (%i)',
    async (way) => {
      const { open, ways } = gated();
      const { socket, hear, later } = await scripted(ways[way] as Service);
      hear('go\n');
      await turn();
      expect(later(10 * IDLE_MS)).toEqual([]);
      open();
      await turn();
      expect(String(socket.sent)).toMatch(/go\n$/);
      expect(later(IDLE_MS - 1)).toEqual([]);
      expect(later(1)).toEqual(['idle-timeout']);
    },
  );

  it('is idle in a session that waits for it', async () => {
    const { thread, generation, later } = await scripted({ session: async (client) => void (await client.receive()) });
    thread.thread.serve(5, generation, EPOLLOUT);
    await turn();
    expect(later(IDLE_MS - 1)).toEqual([]);
    expect(later(1)).toEqual(['idle-timeout']);
  });

  it('is not idle while its reply waits for it: sendTimeout counts, from the last byte that it took', async () => {
    const { socket, hear, later } = await scripted({ message: () => Buffer.alloc(300_000) }, 0);
    socket.window = () => EAGAIN;
    hear('go\n');
    expect(later(4999)).toEqual([]);
    socket.window = () => (socket.sent.length === 0 ? 10 : EAGAIN);
    expect(later(4999)).toEqual([]);
    expect(later(4999)).toEqual([]);
    expect(later(1)).toEqual(['send-timeout']);
  });

  it('is late from when its kernel last took bytes, which the thread notices soon after a reply was stalled', async () => {
    const { socket, hear, later } = await scripted({ message: () => Buffer.alloc(300_000) }, 0);
    socket.window = () => (socket.sent.length === 0 ? 10 : EAGAIN);
    hear('go\n');
    socket.window = () => (socket.sent.length === 10 ? 10 : EAGAIN);
    expect(later(100)).toEqual([]);
    expect(socket.sent.length).toBe(20);
    expect(later(4999)).toEqual([]);
    expect(later(1)).toEqual(['send-timeout']);
  });

  it('is not idle while it takes what the kernel keeps for it, and gets all of that when it is', async () => {
    const { socket, hear, later } = await scripted({ message: () => 'reply' }, 0);
    hear('go\n');
    for (const unsent of [5000, 4000, 3000]) {
      socket.unsent = unsent;
      expect(later(IDLE_MS)).toEqual([]);
      expect(socket.calls).not.toContain('shutdown');
    }
    expect(later(IDLE_MS)).toEqual([]);
    expect(socket.calls).toContain('shutdown');
    expect(socket.calls).not.toContain('close');
  });

  it.each([
    ['idle-timeout', 'whole\n', IDLE_MS],
    ['message-timeout', 'end\n', 3000],
  ])('is not closed with %s when its bytes came in time and only its thread was late', async (_reason, bytes, ms) => {
    const { thread, socket, hear, later } = await scripted({ message: (message) => message }, 0);
    hear('begin ');
    if (bytes === 'whole\n') hear('\n');
    socket.incoming = [Buffer.from(bytes)];
    expect(later(ms + 1)).toEqual([]);
    expect(String(socket.sent)).toMatch(new RegExp(`${bytes}$`));
    expect(thread.state(5)).toBe(IDLE);
    expect(later(IDLE_MS)).toEqual(['idle-timeout']);
  });

  it('is closed with message-timeout all the same when what came does not complete its message', async () => {
    const { socket, hear, later } = await scripted({ message: (message) => message }, 0);
    hear('begin ');
    socket.incoming = [Buffer.from('and drip')];
    expect(later(3000)).toEqual(['message-timeout']);
  });

  it('gets the rest of its replies when its next message does not come in time', async () => {
    const { socket, hear, later } = await scripted({ message: () => 'reply' }, 0);
    hear('go\nbegin');
    socket.unsent = 4000;
    expect(later(3000)).toEqual([]);
    expect(socket.calls).toContain('shutdown');
  });

  it('is not closed with send-timeout when it has made room in time and only its thread was late', async () => {
    const { thread, socket, hear, later } = await scripted({ message: () => Buffer.alloc(300_000, 'x') }, 0);
    socket.window = () => (socket.sent.length < 1000 ? 1000 : EAGAIN);
    hear('go\n');
    socket.window = () => Infinity;
    expect(later(5001)).toEqual([]);
    expect(socket.sent.length).toBe(300_001);
    expect(thread.state(5)).toBe(IDLE);
  });

  it('is served what came while its session’s thread was blocked', async () => {
    const seen: string[] = [];
    const { thread, socket, hear, later } = await scripted({
      async session(client) {
        for await (const message of client) seen.push(String(message));
      },
    });
    hear('one\n');
    await turn();
    socket.incoming = [Buffer.from('two\n')];
    expect(later(2 * IDLE_MS)).toEqual([]);
    await turn();
    expect(seen).toEqual(['one', 'two']);
    expect(thread.state(5)).toBe(PINNED);
  });

  it('has its PROXY header read that came in time', async () => {
    const { thread, socket, generation, later } = await scripted({ message: () => 'reply' }, NEW | PROXIED);
    thread.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
    socket.incoming = [Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 4711 1\r\nhello\n')];
    expect(later(2 * IDLE_MS)).toEqual([]);
    expect(String(socket.sent)).toBe('reply\n');
    const silent = await scripted({ message: () => 'reply' }, NEW | PROXIED);
    expect(silent.later(2 * IDLE_MS)).toEqual(['idle-timeout']);
  });
});
