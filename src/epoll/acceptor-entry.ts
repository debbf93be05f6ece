/** Starts the acceptor thread of the epoll engine: wiring only. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { crash } from '../errors.ts';
import { Poller } from '../reactor/poller.ts';
import { Arena } from '../sharing/arena.ts';
import { SERVING_SLICE_NS } from '../sharing/scheduling.ts';
import { openLibc } from '../sys/libc.ts';
import { EpollAcceptor, watchIn } from './acceptor.ts';
import { Listener } from '../acceptor/listener.ts';
import type { EpollAcceptorStart, FromAcceptor, ToAcceptor } from '../acceptor/messages.ts';
import { Migrator } from '../supervisor/migrate.ts';
import { acceptorParts } from '../acceptor/parts.ts';
import type { Handover } from '../handover/handover.ts';
import { UnreadClients } from '../supervisor/unread-clients.ts';
import { WaitingRoom } from '../supervisor/waiting-room/waiting-room.ts';

/** Events that one turn takes at most; the rest comes with the next. */
const EVENTS = 64;

const start = workerData as EpollAcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

const sys = openLibc();
sys.setSlice(0, SERVING_SLICE_NS);
const post = (message: FromAcceptor): void => port.postMessage(message);
const parts = acceptorParts(start, sys, post, true);
const { admission, board, closer, counters, placement, report, registry, table } = parts;
const poller = new Poller(sys, start.epollFd, EVENTS);
const migrator = new Migrator(sys, table, counters, closer, board);
const room = registry.settings.hasRoom
  ? new WaitingRoom({ poller: Poller.create(sys, EVENTS), board, table, registry, migrator, placement })
  : undefined;
parts.deadlineScan.room = room;
const unreadClients = new UnreadClients(
  sys,
  table,
  board,
  start.listeners.map(({ fd }) => fd),
);
const exiting = new Int32Array(start.exiting);

/** It is loaded by a server that needs it. */
async function findHandover(): Promise<Handover | undefined> {
  const { offer, source } = start;
  if (offer === undefined) return undefined;
  const { openHandover } = await import('../handover/handover.ts');
  const choose = (address: Uint8Array) => {
    const rows = registry.any;
    return rows.length === 0 ? undefined : placement(rows, address);
  };
  const arena = new Arena(start.memory.arena);
  const all = { sys, table, board, arena, counters, admission, migrator, closer, registry, choose, post, report };
  return openHandover(all, (side) => watchIn(poller, side), offer, source);
}

/** Takes all messages that wait; false: this thread is to end. Node's event loop would deliver them too, but never runs here. */
function listen(acceptor: EpollAcceptor): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return Atomics.load(exiting, 0) === 0;
    const message: ToAcceptor = received.message;
    if (!acceptor.onMessage(message)) return false;
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
    migrator,
    room,
    waits: () => unreadClients.hasClient || (admission.isOpen && unreadClients.hasNewcomer),
    handover: await findHandover(),
  });
  while (!acceptor.turn() || listen(acceptor));
  acceptor.end();
  admission.reportHidden();
  Atomics.store(exiting, 1, 1);
  Atomics.notify(exiting, 1);
  process.exit(); // What others have loaded into this thread, by NODE_OPTIONS, may have timers.
}

run().catch(crash);
