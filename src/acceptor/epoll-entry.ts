/** What the acceptor thread of the epoll engine runs: wiring only. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { crash } from '../errors.ts';
import { Poller } from '../reactor/poller.ts';
import { Arena } from '../sharing/arena.ts';
import { SERVING_SLICE } from '../sharing/scheduling.ts';
import { openLibc } from '../sys/libc.ts';
import { EpollAcceptor, watchIn } from './epoll-acceptor.ts';
import { Listener } from './listener.ts';
import type { EpollAcceptorStart, FromAcceptor, ToAcceptor } from './messages.ts';
import { Mover } from './mover.ts';
import { acceptorParts } from './parts.ts';
import type { Succession } from './succession.ts';
import { Unheard } from './unheard.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Events that one turn takes at most; the rest comes with the next. */
const EVENTS = 64;

const start = workerData as EpollAcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

const sys = openLibc();
sys.setSlice(0, SERVING_SLICE);
const say = (message: FromAcceptor): void => port.postMessage(message);
const parts = acceptorParts(start, sys, say);
const { admission, board, closer, counters, placement, report, roster, table } = parts;
const poller = new Poller(sys, start.epollFd, EVENTS);
const mover = new Mover(sys, table, counters, closer, board);
const room = roster.settings.hasRoom
  ? new WaitingRoom({ poller: Poller.create(sys, EVENTS), board, table, roster, mover, placement })
  : undefined;
parts.sweeper.room = room;
const unheard = new Unheard(
  sys,
  table,
  board,
  start.listeners.map(({ fd }) => fd),
);
const exiting = new Int32Array(start.exiting);

/** It is loaded by a server that needs it. */
async function findSuccession(): Promise<Succession | undefined> {
  const { estate, heritage } = start;
  if (estate === undefined) return undefined;
  const { openSuccession } = await import('./succession.ts');
  const choose = (address: Uint8Array) => {
    const rows = roster.any;
    return rows.length === 0 ? undefined : placement(rows, address);
  };
  const arena = new Arena(start.arena);
  const all = { sys, table, board, arena, counters, admission, mover, closer, roster, choose, say, report };
  return openSuccession(all, (side) => watchIn(poller, side), estate, heritage);
}

/** Takes all messages that wait; false: this thread is to end. Node's event loop would deliver them too, but never runs here. */
function listen(acceptor: EpollAcceptor): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return Atomics.load(exiting, 0) === 0;
    const message: ToAcceptor = received.message;
    if (!acceptor.obey(message)) return false;
  }
}

async function run(): Promise<void> {
  const listeners = start.listeners.map(({ fd, isShared }) => new Listener(sys, fd, isShared));
  const { mailboxFd } = start;
  const acceptor = new EpollAcceptor({
    ...parts,
    sys,
    poller,
    listeners,
    mailboxFd,
    mover,
    room,
    waits: () => unheard.hasClient || (admission.isOpen && unheard.hasNewcomer),
    succession: await findSuccession(),
  });
  while (!acceptor.turn() || listen(acceptor));
  acceptor.end();
  admission.reportHidden();
  Atomics.store(exiting, 1, 1);
  Atomics.notify(exiting, 1);
  process.exit(); // What others have loaded into this thread, by NODE_OPTIONS, may have timers.
}

run().catch(crash);
