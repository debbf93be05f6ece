/** Starts the acceptor thread of the net engine: wiring only. */
import { parentPort, workerData } from 'node:worker_threads';
import { ThreadBoard } from '../sharing/thread-board.ts';
import { storingBefore, withoutKernel } from '../sys/without-kernel.ts';
import { ArrivingSocket, NetDispatcher } from './dispatcher.ts';
import type { NetAcceptorStart, ToAcceptor } from '../acceptor/messages.ts';
import { NetAcceptor } from './acceptor.ts';
import { acceptorParts } from '../acceptor/parts.ts';
import { ReserveFd } from './reserve-fd.ts';

const start = workerData as NetAcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

/**
 * How long a thread must stand still to count as blocked, in ms, at least: whether it is blocked or only has no CPU cannot be told
 * here, and nobody is moved who would gain by haste.
 */
const MIN_BLOCKED_MS = 50;

const board = new ThreadBoard(start.memory.board);
const arriving = new ArrivingSocket();
const spare = new ReserveFd();
const calls = {
  ...withoutKernel,
  close: arriving.close,
  storeAndClose: storingBefore(arriving.close),
  // A thread's number is its row's; it writes its time down itself.
  threadCpuTime: (thread: number) => board.row(thread).busyTime,
};
const moveAfter = Math.max(MIN_BLOCKED_MS, start.settings.moveAfter);
const settings = { ...start.settings, moveAfter };
const parts = acceptorParts({ ...start, settings }, calls, (message) => port.postMessage(message), false);
const acceptor = new NetAcceptor({
  ...parts,
  balances: false,
  migrator: new NetDispatcher(parts.table, parts.closer, arriving, spare),
  listeners: start.listeners,
  keepAlive: start.settings.keepAlive,
  arriving,
  reserveFd: spare,
});

port.on('message', (message: ToAcceptor) => {
  if (acceptor.onMessage(message)) return;
  parts.admission.reportHidden();
  process.exit();
});
acceptor.start();
