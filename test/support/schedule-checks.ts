/** What must hold after each step of a schedule, when nothing is left to do, and when all clients have gone. */
import { expect } from 'vitest';
import type { CloseReason } from '../../src/sharing/close-reason.ts';
import { FREE, stateOf } from '../../src/sharing/control-word.ts';
import type { LineClient } from './line-client.ts';
import type { Schedule } from './schedule.ts';
import { ROWS } from './schedule-actions.ts';
import type { SteppedThread } from './stepped-thread.ts';

/** Far more rounds than any schedule needs to become idle. */
const MOST_ROUNDS = 600;
/** Rounds without any change, after which nothing is left to do; longer than the acceptor takes to look again. */
const QUIET_ROUNDS = 8;

export function checkStep(on: Schedule): void {
  expect(on.kernel.violations).toEqual([]);
  for (const client of on.clients) {
    const { expected, received } = client;
    if (!expected.startsWith(received)) expect(received, `client ${client.port}`).toBe(expected);
  }
  const room = on.board.waitingRoom;
  for (const row of on.board.rows) {
    let count = 0;
    on.table.forEach(row.thread, () => void count++);
    // The acceptor has not heard yet of who was given back.
    on.table.forEach(room.thread, (fd) => void (count += on.table.giver(fd) === row.thread ? 1 : 0));
    expect(row.clients + row.closing, `clients of thread ${row.thread}`).toBe(count);
  }
}

/** Has everyone do what is to be done until nothing is. */
export function comeToRest(on: Schedule): void {
  on.kernel.unwatchable = 0;
  for (let thread = 0; thread < ROWS; thread++) on.setBusy(thread, 0);
  for (const client of on.clients) client.reads = true;
  for (let quiet = 0, rounds = 0; quiet < QUIET_ROUNDS; rounds++) {
    const before = on.kernel.progress;
    round(on);
    // Who waits for a thread that does not come, or for careful times to end, waits for a while.
    if (quiet > QUIET_ROUNDS / 2) on.time += 400;
    checkStep(on);
    const isQuiet = on.kernel.progress === before && on.alive.every((thread) => thread.isParked);
    quiet = isQuiet ? quiet + 1 : 0;
    if (rounds > MOST_ROUNDS) throw new Error('it does not come to rest');
  }
}

function round(on: Schedule): void {
  on.time += 3;
  while (on.hasUntold) on.tell();
  on.grow();
  for (let row = 0; on.alive.every((thread) => thread.isRetiring) && row < ROWS; row++) on.start(row);
  on.turn();
  for (const thread of on.alive) work(thread, on.time);
  for (const client of on.clients) {
    client.receive();
    if (client.socket.isOver && client.canSend) client.finish();
  }
}

function work(thread: SteppedThread, now: number): void {
  while (thread.hasFetched) thread.serve();
  thread.fetch();
  while (thread.hasFetched) thread.serve();
  while (thread.pending.length > 0) thread.settle(0);
  thread.runTimers(now);
}

/** Nobody has anything left to do: each client has got all that it must get, or its connection ended as it may. */
export function checkAtRest(on: Schedule): void {
  for (const client of on.clients) {
    const its = on.events.filter((event) => 'port' in event && event.port === client.port);
    const types = its.map(({ type }) => type).filter((type) => type === 'open' || type === 'close');
    const close = its.find((event) => event.type === 'close');
    expect(types, `client ${client.port}`).toEqual(close === undefined ? ['open'] : ['open', 'close']);
    expect(client.socket.isClosed, `client ${client.port}: its socket is closed`).toBe(close !== undefined);
    if (close?.type === 'close') checkEnd(on, client, close.reason);
    else checkOpen(client);
  }
  const closes = Object.values(on.board.total().closes).reduce((sum, count) => sum + count, 0);
  expect(closes).toBe(on.events.filter(({ type }) => type === 'close').length);
  expect(on.kernel.sockets).toHaveLength(on.clients.filter(({ socket }) => !socket.isClosed).length);
}

function checkOpen(client: LineClient): void {
  const { ending, hasFinished, hasReset, received, socket } = client;
  expect({ ending, hasFinished, hasReset, unread: socket.unread, received }, `client ${client.port} is open`).toEqual({
    ending: undefined,
    hasFinished: false,
    hasReset: false,
    unread: 0,
    received: client.expected,
  });
}

/** What must be true of a client whose connection was closed for a reason. */
const MAY_END: Partial<Record<CloseReason, (client: LineClient, on: Schedule) => boolean>> = {
  'client-reset': (client) => client.hasReset,
  'client-finished': (client) => client.hasFinished || client.hasReset,
  'bad-frame': (client) => client.hasFinished && client.isPartWay,
  'service-error': (client) => client.ending === 'throw' || client.ending === 'reject',
  'server-finished': (client) => client.ending === 'close',
  'thread-exit': (_, on) => on.deaths > 0,
  'handler-timeout': (_, on) => on.deaths > 0,
  shutdown: (_, on) => on.deaths > 0,
  'over-limit': (_, on) => on.wasShort,
};

/** Reasons that cut a client off: what was on its way to it is lost. */
const CUT_OFF = new Set<CloseReason>(['client-reset', 'thread-exit', 'handler-timeout', 'shutdown', 'over-limit']);

function checkEnd(on: Schedule, client: LineClient, reason: CloseReason): void {
  expect(MAY_END[reason]?.(client, on), `client ${client.port} was closed for ${reason}`).toBe(true);
  if (client.hasReset || CUT_OFF.has(reason)) return;
  expect(client.received, `client ${client.port}, closed for ${reason}`).toBe(client.expected);
  if (reason === 'client-finished') expect([client.ending, client.isPartWay]).toEqual([undefined, false]);
}

/** All clients have gone: nothing of them is left. */
export function checkAllGone(on: Schedule): void {
  for (const client of on.clients) if (client.canSend) client.finish();
  comeToRest(on);
  checkAtRest(on);
  expect(on.clients.filter(({ socket }) => !socket.isClosed)).toEqual([]);
  for (let fd = 0; fd < on.table.size; fd++) expect(stateOf(on.table.word(fd)), `slot ${fd}`).toBe(FREE);
  expect(on.board.rows.map(({ kept }) => kept)).toEqual(on.board.rows.map(() => 0));
  expect(on.arena.used).toBe(0);
  expect(on.kernel.openFds).toBe(on.ownFds + on.threads.filter((thread) => thread !== undefined).length);
}
