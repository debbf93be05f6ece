/** What the acceptor thread of the net engine runs: wiring only. */
import { parentPort, workerData } from 'node:worker_threads';
import { ThreadBoard } from '../sharing/thread-board.ts';
import { withoutKernel } from '../sys/without-kernel.ts';
import { Doorstep } from './doorstep.ts';
import type { NetAcceptorStart, ToAcceptor } from './messages.ts';
import { NetAcceptor } from './net-acceptor.ts';
import { NetCarrier } from './net-carrier.ts';
import { acceptorParts } from './parts.ts';
import { SpareFile } from './spare-file.ts';

const start = workerData as NetAcceptorStart;
const port = parentPort as NonNullable<typeof parentPort>;

/**
 * How long a thread must stand still to count as held, in ms, at least: whether it is held or only has no CPU cannot be told
 * here, and nobody is moved who would gain by haste.
 */
const LEAST_HELD = 50;

const board = new ThreadBoard(start.board);
const doorstep = new Doorstep();
const spare = new SpareFile();
const calls = {
  ...withoutKernel,
  close: doorstep.close,
  // A thread's number is its row's; it writes its time down itself.
  threadCpuTime: (thread: number) => board.row(thread).busyTime,
};
const moveAfter = Math.max(LEAST_HELD, start.moveAfter);
const parts = acceptorParts({ ...start, moveAfter }, calls, (message) => port.postMessage(message));
const acceptor = new NetAcceptor({
  ...parts,
  balances: false,
  mover: new NetCarrier(parts.table, parts.closer, doorstep, spare),
  listeners: start.listeners,
  keepAlive: start.keepAlive,
  doorstep,
  spare,
});

port.on('message', (message: ToAcceptor) => {
  if (acceptor.obey(message)) return;
  parts.admission.reportHidden();
  process.exit();
});
acceptor.start();
