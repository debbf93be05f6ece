/** The thread whose sockets are Node's, without a thread: the test plays the engine and the clients. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFraming } from '../../src/framing/framing.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable, type Generation } from '../../src/sharing/connection-table.ts';
import { FREE, IDLE, PINNED, stateOf } from '../../src/sharing/control-word.ts';
import { MemoryAccount } from '../../src/sharing/memory-account.ts';
import { PARKED, RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import { StreamThread } from '../../src/streams/stream-thread.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';
import { TIMELESS } from '../support/timeless.ts';

const FD = 5;

/** A socket whose client the test plays with `push`. */
function playedSocket() {
  const sent: string[] = [];
  const write = (bytes: Buffer, _encoding: string, done: () => void): void => {
    sent.push(String(bytes));
    done();
  };
  const duplex = new Duplex({ read: () => undefined, write });
  return { sent, socket: Object.assign(duplex, { destroySoon: () => duplex.destroy() }) as unknown as Socket };
}

function streamThread(limits: Partial<typeof TIMELESS> = {}) {
  const [table, board, arena] = [ConnectionTable.create(16), ThreadBoard.create(1), Arena.create(2 ** 20)];
  const row = board.row(0);
  row.state = RUNNING;
  const events: ServerEvent[] = [];
  const log: unknown[] = [];
  const service = { message: (message: unknown) => Buffer.from(message as Buffer).reverse() };
  const parts = {
    sys: withoutKernel,
    memory: makeThreadMemory(),
    table,
    arena,
    row,
    room: board.waitingRoom,
    account: new MemoryAccount(board, arena, Infinity),
    service,
    framings: [{ name: undefined, framing: createFraming('line', 2 ** 16) }] as const,
    settings: { ...TIMELESS, ...limits },
    report: (event: ServerEvent) => void events.push(event),
    complain: (event: ServerEvent) => void events.push(event),
    drained: () => void log.push('drained'),
    tls: undefined,
    streams: undefined,
  };
  const thread = new StreamThread(parts, {
    arrived: (fd, generation) => void log.push(['arrived', fd, generation, stateOf(table.word(fd))]),
    roused: () => void log.push('roused'),
    served: () => void log.push('served'),
  });
  /** A client that the acceptor has given to the thread, which has not heard of it. */
  const admit = (): Generation => {
    const generation = table.admit(FD, 0, 1, new Uint8Array(16), 1000, 0);
    row.addClients(1);
    table.settle(FD, generation);
    return generation;
  };
  /** The same, and the thread has given it to Node. */
  const pinned = (): Generation => {
    const generation = admit();
    table.take(FD, generation);
    table.pin(FD, generation);
    return generation;
  };
  const reasons = (): unknown[] =>
    events.filter(({ type }) => type === 'close').map((event) => Reflect.get(event, 'reason'));
  return { admit, log, pinned, reasons, row, table, thread };
}

describe('a thread whose sockets are Node’s', () => {
  it('answers what has arrived at a socket, tells its engine when that wakes it and when it is done', async () => {
    const { log, pinned, row, table, thread } = streamThread();
    const { sent, socket } = playedSocket();
    thread.add({ fd: FD, generation: pinned() }, socket);
    await turn();
    row.state = PARKED;
    socket.push(Buffer.from('hello\n'));
    expect([log, row.state]).toEqual([['roused'], RUNNING]);
    await turn();
    expect([log, sent]).toEqual([['roused', 'served'], ['olleh\n']]);
    expect(stateOf(table.word(FD))).toBe(PINNED);
  });

  it('serves what is left when a client has given way to others in a later turn of its own', async () => {
    const { log, pinned, thread } = streamThread({ moveAfter: 0 });
    const { sent, socket } = playedSocket();
    thread.add({ fd: FD, generation: pinned() }, socket);
    await turn();
    socket.push(Buffer.from('ab\ncd\nef\n'));
    await turn();
    expect([log, sent]).toEqual([['served'], ['ba\n']]);
    await turn();
    await turn();
    expect([log, sent]).toEqual([
      ['served', 'served', 'served'],
      ['ba\n', 'dc\n', 'fe\n'],
    ]);
  });

  it('waits for Node’s event loop while it has a socket', () => {
    const { pinned, thread } = streamThread();
    expect(thread.awaitsNode()).toBe(false);
    thread.add({ fd: FD, generation: pinned() }, playedSocket().socket);
    expect(thread.awaitsNode()).toBe(true);
  });

  it('has a late client that has waited for it welcomed, and closes nobody', async () => {
    const { admit, log, reasons, table, thread } = streamThread({ idleTimeout: 1 });
    const generation = admit();
    table.setLastActivity(FD, 1);
    thread.closeExpired();
    await turn();
    await turn();
    await turn();
    expect([log, reasons()]).toEqual([[['arrived', FD, generation, IDLE]], []]);
  });

  it('closes a client that has no socket yet when it drains', async () => {
    const { admit, log, reasons, table, thread } = streamThread();
    admit();
    thread.drain();
    await expect.poll(() => log).toContain('drained');
    expect([reasons(), stateOf(table.word(FD))]).toEqual([['shutdown'], FREE]);
  });

  it('counts no client that was reported as closed, and drains when the last word of TLS is out', async () => {
    const { log, pinned, reasons, row, thread } = streamThread();
    const { socket } = playedSocket();
    socket.destroySoon = () => {}; // Node waits for the kernel to take the last word.
    const secured = Object.assign(socket, { getPeerCertificate: () => ({}) }) as unknown as TLSSocket;
    thread.secured({ fd: FD, generation: pinned() }, secured, socket);
    await turn();
    thread.drain();
    socket.push(null);
    await expect.poll(reasons).toHaveLength(1);
    expect([row.clients, row.isEmpty]).toEqual([0, false]);
    await turn();
    expect(log).not.toContain('drained');
    socket.destroy();
    await expect.poll(() => log).toContain('drained');
    expect(row.isEmpty).toBe(true);
  });

  it('keeps its hands off a client whose socket is not there yet, but is on its way', () => {
    const { pinned, table, thread } = streamThread();
    const generation = pinned();
    expect(thread.take(FD, generation)).toBe(false);
    thread.add({ fd: FD, generation }, playedSocket().socket);
    expect([thread.take(FD, generation), stateOf(table.word(FD))]).toEqual([true, PINNED]);
  });
});
