import { channel } from 'node:diagnostics_channel';
import { serve } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { Peer } from './peer.ts';
import { ENGINE, service, start, TIMEOUT_MS } from './running.ts';

/** What the thread of `peer` has noted since it was asked last, but for the question itself. */
async function notesOf(peer: Peer): Promise<string[]> {
  const line = await peer.ask('notes');
  return line.split(',').filter((note) => note !== '');
}

describe('the channels of a thread', () => {
  it('tell of the thread, of clients, and of messages that are answered at once', async () => {
    await using running = await start(service('traced'), { threads: 1 });
    await using peer = await running.connect();
    expect(await peer.ask('hello')).toBe('HELLO');
    expect(await notesOf(peer)).toEqual([
      'thread:start 0  1',
      'client:arrive 1  1',
      'client:open 1  1',
      'start 1 5 1',
      'end 1 5 1',
      'start 1 5 1',
    ]);
    const other = await running.connect();
    await other.ask('x');
    await other.leave();
    await running.seen('close');
    expect(await notesOf(peer)).toContain('client:close 2 client-finished 1');
  });

  it('tell of messages that are answered later, and have them run with what start is bound to', async () => {
    await using running = await start(service('traced'), { threads: 1 });
    await using peer = await running.connect();
    expect([await peer.ask('span'), await peer.ask('later')]).toEqual(['span of 1', 'span of 1']);
    expect((await notesOf(peer)).slice(-6)).toEqual([
      'end 1 4 1',
      'start 1 5 1',
      'end 1 5 1',
      'asyncStart 1 5 1',
      'asyncEnd 1 5 1',
      'start 1 5 1',
    ]);
  });

  it('tell what a handler throws, at once or later', async () => {
    await using running = await start(service('traced'), { threads: 1 });
    await using peer = await running.connect();
    await notesOf(peer);
    for (const way of ['throw', 'reject']) {
      const failing = await running.connect();
      await failing.send(`${way}\n`).over();
    }
    const told = await notesOf(peer);
    expect(told.filter((note) => /^(error|on|late|asyncEnd|end) ?/.test(note))).toEqual([
      'end 1 5 1',
      'error 2 5 1',
      'on purpose',
      'end 2 5 1',
      'end 3 6 1',
      'error 3 6 1',
      'late',
      'asyncEnd 3 6 1',
    ]);
  });

  it('tell nothing of messages while nobody wants to know of them', async () => {
    await using running = await start(service('traced'), { threads: 1 });
    await using peer = await running.connect();
    await peer.ask('off');
    await notesOf(peer);
    expect(await peer.ask('span')).toBe('none');
    expect(await notesOf(peer)).toEqual([]);
    await peer.ask('on');
    expect(await peer.ask('span')).toBe('span of 1');
    expect((await notesOf(peer)).filter((note) => note.startsWith('start'))).toHaveLength(2);
  });

  it('tell of a message of a session from when it has it until it asks for the next', async () => {
    await using running = await start(service('traced-session'), { threads: 1 });
    await using peer = await running.connect();
    expect(await peer.ask('hello')).toBe('HELLO');
    expect((await notesOf(peer)).slice(1)).toEqual([
      'client:arrive 1  1',
      'client:open 1  1',
      'start 1 5 1',
      'end 1 5 1',
      'asyncStart 1 5 1',
      'asyncEnd 1 5 1',
      'start 1 5 1',
      'end 1 5 1',
    ]);
    const failing = await running.connect();
    await failing.send('throw\n').over();
    expect(await notesOf(peer)).toEqual(expect.arrayContaining(['error 2 5 1', 'on purpose', 'asyncEnd 2 5 1']));
  });

  it('tell of the clients of a stream service', async () => {
    await using running = await start(service('traced-stream'), { threads: 1 });
    await using peer = await running.connect();
    const other = await running.connect();
    await other.ask('x');
    await other.leave();
    await running.seen('close');
    expect((await notesOf(peer)).sort()).toEqual([
      'client:arrive 1  1',
      'client:arrive 2  1',
      'client:close 2 client-finished 1',
      'client:open 1  1',
      'client:open 2  1',
      'thread:start 0  1',
    ]);
  });
});

describe('the channel heddle:event', () => {
  it('has all events, also where the program gives no onEvent', async () => {
    const events: ServerEvent[] = [];
    const listen = (event: unknown): void => void events.push(event as ServerEvent);
    const told = channel('heddle:event');
    told.subscribe(listen);
    try {
      await using server = await serve({
        service: service('echo'),
        host: '127.0.0.1',
        port: 0,
        threads: 1,
        engine: ENGINE,
      });
      const peer = await Peer.connect(server.address.port);
      await peer.leave();
      // A busy machine may have others come as well, such as `turn`.
      const expected = ['thread-start', 'open', 'close'];
      const types = (): string[] => events.map(({ type }) => type).filter((type) => expected.includes(type));
      await vi.waitFor(() => expect(types()).toEqual(expected), { timeout: TIMEOUT_MS });
    } finally {
      told.unsubscribe(listen);
    }
  });
});
