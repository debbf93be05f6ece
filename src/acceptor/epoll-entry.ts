/** What the acceptor thread of the epoll engine runs: wiring only. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Poller } from '../reactor/poller.ts';
import { SERVING_SLICE } from '../sharing/scheduling.ts';
import { openLibc } from '../sys/libc.ts';
import { EpollAcceptor } from './epoll-acceptor.ts';
import { Listener } from './listener.ts';
import type { EpollAcceptorStart, ToAcceptor } from './messages.ts';
import { Mover } from './mover.ts';
import { acceptorParts } from './parts.ts';

/** Events that one turn takes at most; the rest comes with the next. */
const EVENTS = 64;

const start = workerData as EpollAcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

const sys = await openLibc();
sys.setSlice(0, SERVING_SLICE);
const parts = acceptorParts(start, sys, (message) => port.postMessage(message));
const acceptor = new EpollAcceptor({
  ...parts,
  sys,
  poller: new Poller(sys, start.epollFd, EVENTS),
  listeners: start.listeners.map(({ fd, isShared }) => new Listener(sys, fd, isShared)),
  mailboxFd: start.mailboxFd,
  mover: new Mover(sys, parts.table, parts.counters, parts.closer),
});

const exiting = new Int32Array(start.exiting);

/** Takes all messages that wait; false: this thread is to end. Node's event loop would deliver them too, but never runs here. */
function listen(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return Atomics.load(exiting, 0) === 0;
    const message: ToAcceptor = received.message;
    if (!acceptor.obey(message)) return false;
  }
}

while (!acceptor.turn() || listen());
parts.admission.reportHidden();
