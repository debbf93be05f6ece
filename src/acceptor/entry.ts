/** What the acceptor thread runs: wiring only. */
import { parentPort, workerData } from 'node:worker_threads';
import { Poller } from '../reactor/poller.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { EventRing } from '../sharing/event-ring.ts';
import { ThreadBoard } from '../sharing/thread-board.ts';
import { openLibc } from '../sys/libc.ts';
import { Acceptor } from './acceptor.ts';
import { BusyMeter } from './busy-meter.ts';
import { Listener } from './listener.ts';
import type { AcceptorStart, FromAcceptor, ToAcceptor } from './messages.ts';
import { Mover } from './mover.ts';
import { placementFor } from './placement.ts';

/** Events that one turn takes at most; the rest comes with the next. */
const EVENTS = 64;

const start = workerData as AcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;
const say = (message: FromAcceptor): void => port.postMessage(message);

const sys = await openLibc();
const table = new ConnectionTable(start.table);
const events = start.events === undefined ? undefined : new EventRing(start.events);
const acceptor = new Acceptor({
  sys,
  table,
  board: new ThreadBoard(start.board),
  poller: new Poller(sys, start.epollFd, EVENTS),
  listeners: start.listeners.map((fd) => new Listener(sys, fd)),
  mailboxFd: start.mailboxFd,
  placement: placementFor(start.placement, new BusyMeter(sys).ratio),
  mover: new Mover(sys, table),
  report: events && ((event) => events.write(JSON.stringify(event))),
});

let stopped = false;
port.on('message', (message: ToAcceptor) => {
  if (message.type === 'thread-ready') acceptor.threadReady(message.thread);
  else if (message.type === 'thread-gone') acceptor.threadGone(message.thread);
  else if (message.type === 'drain') {
    acceptor.drain();
    say({ type: 'drained' });
  } else {
    stopped = true;
    port.close();
  }
});

function turn(): void {
  if (stopped) return;
  acceptor.turn();
  setImmediate(turn);
}
say({ type: 'ready' });
turn();
