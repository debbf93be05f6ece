/** What the acceptor thread runs: wiring only. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Closer } from '../connection/closer.ts';
import type { ServerEvent } from '../log/event.ts';
import { Poller } from '../reactor/poller.ts';
import { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { Arena } from '../sharing/arena.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { Deadlines } from '../sharing/deadlines.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { SERVING_SLICE } from '../sharing/scheduling.ts';
import { ThreadBoard } from '../sharing/thread-board.ts';
import { openLibc } from '../sys/libc.ts';
import { Acceptor, watchIn } from './acceptor.ts';
import { Admission } from './admission.ts';
import { BusyMeter } from './busy-meter.ts';
import { Listener } from './listener.ts';
import type { AcceptorStart, FromAcceptor, ToAcceptor } from './messages.ts';
import { Mover } from './mover.ts';
import { placementFor } from './placement.ts';
import { Roster } from './roster.ts';
import type { Succession } from './succession.ts';
import { Sweeper } from './sweeper.ts';

/** Events that one turn takes at most; the rest comes with the next. */
const EVENTS = 64;

const start = workerData as AcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

const sys = await openLibc();
sys.setSlice(0, SERVING_SLICE);
const table = new ConnectionTable(start.table);
const counters = new AcceptorCounters(start.counters);
const events = start.events === undefined ? undefined : new EventRing(start.events);
const report = events && ((event: ServerEvent) => void events.write(JSON.stringify(event)));
const say = (message: FromAcceptor): void => port.postMessage(message);
const busy = new BusyMeter(sys).ratio;
const arena = new Arena(start.arena);
const closer = new Closer(sys, table, arena, report);
const board = new ThreadBoard(start.board);
const admission = new Admission({ sys, board, table, counters, report }, start.limits);
const { clientsPerThread, moveAfter } = start;
const roster = new Roster(sys, { ...start.threads, clientsPerThread, moveAfter });
const poller = new Poller(sys, start.epollFd, EVENTS);
const mover = new Mover(sys, table, counters, closer);
const placement = placementFor(start.placement, busy);
const acceptor = new Acceptor({
  sys,
  table,
  board,
  counters,
  poller,
  listeners: start.listeners.map(({ fd, isShared }) => new Listener(sys, fd, isShared)),
  mailboxFd: start.mailboxFd,
  roster,
  admission,
  placement,
  busy,
  balances: start.placement !== 'source-hash' && clientsPerThread === Infinity,
  mover,
  closer,
  sweeper: new Sweeper(table, roster, new Deadlines(table, start.timeouts)),
  proxies: start.proxies,
  handlerTimeout: start.handlerTimeout,
  say,
  report,
  succession: await findSuccession(),
});

/** It is loaded by a server that needs it: until the acceptor is loaded, the process does not end well. */
async function findSuccession(): Promise<Succession | undefined> {
  const { estate, heritage } = start;
  if (estate === undefined) return undefined;
  const { openSuccession } = await import('./succession.ts');
  const choose = (address: Uint8Array) => {
    const rows = roster.any;
    return rows.length === 0 ? undefined : placement(rows, address);
  };
  const parts = { sys, table, board, arena, counters, admission, mover, closer, roster, choose, say, report };
  return openSuccession(parts, (side) => watchIn(poller, side), estate, heritage);
}

const exiting = new Int32Array(start.exiting);

/** Does what main says; false: it says stop. */
function obey(message: ToAcceptor): boolean {
  if (message.type === 'thread-ready') acceptor.threadReady(message.thread);
  else if (message.type === 'thread-retire') acceptor.retire(message.thread);
  else if (message.type === 'thread-gone') acceptor.threadGone(message.thread);
  else if (message.type === 'drain') acceptor.drain();
  else if (message.type === 'succeed') acceptor.succeed();
  else if (message.type === 'ping') say({ type: 'pong' });
  return message.type !== 'stop';
}

/** Takes all messages that wait; false: this thread is to end. Node's event loop would deliver them too, but never runs here. */
function listen(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return Atomics.load(exiting, 0) === 0;
    const message: ToAcceptor = received.message;
    if (!obey(message)) return false;
  }
}

while (!acceptor.turn() || listen());
acceptor.end();
admission.reportHidden();
