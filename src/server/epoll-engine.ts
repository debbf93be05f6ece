/** The epoll engine on main: sockets of the kernel's, which all threads of the process can use. */
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import type { AcceptorStart, EpollAcceptorStart, FromAcceptor } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { Poller } from '../reactor/poller.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { SHUT_RDWR } from '../sys/constants.ts';
import { syscallError } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras } from './engine.ts';
import type { ListeningSocket, ServerAddress } from './listening-socket.ts';
import { findPlace, type Place } from './place.ts';
import { PATIENCE } from './predecessor.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How long threads may take to end when nobody can wait for them, in ms, and how often they are looked at. */
const ABANDON_WITHIN_MS = 1_000;
const ABANDON_LOOK_MS = 2;

// Words of what the acceptor and this thread tell each other as they end; nobody ever changes PAUSE, which is waited at.
const EXITING = 0;
const ENDED = 1;
const PAUSE = 2;

export class EpollEngine implements Engine {
  readonly name = 'epoll';
  readonly threadProgram = 'epoll-thread';
  readonly #sys: Sys;
  #place: Place = { sockets: [], control: undefined, predecessor: undefined };
  #speaksTls = false;
  #epollFd = -1;
  #moveAfter = Infinity;
  #mailboxFd = -1;
  readonly #exiting = new Int32Array(new SharedArrayBuffer(12));
  /** Has sockets not be closed with this thread. */
  #stayOpen: readonly (() => void)[] = [];

  constructor(sys: Sys) {
    this.#sys = sys;
  }

  fileLimit(): number {
    return this.#sys.fileLimit();
  }

  /** Under TLS Node has a duplicate of the client's fd: see `tls-thread.ts`. */
  filesPerClient({ tls }: ServeSettings): number {
    return tls === undefined ? 1 : 2;
  }

  async listen(settings: ServeSettings, nameOf: NameOf): Promise<readonly ServerAddress[]> {
    this.#place = await findPlace(this.#sys, settings, nameOf);
    this.#speaksTls = settings.tls !== undefined;
    // A worker may be ended from outside at any moment; the process then goes on, and must not keep the port.
    if (!isMainThread) this.#stayOpen = this.#sockets.map(({ fd }) => this.#sys.closeAtThreadEnd(fd));
    return this.#place.sockets.map(({ address }) => address);
  }

  startAcceptor(start: AcceptorStart, hear: (message: FromAcceptor) => void): AcceptorHandle {
    const sys = this.#sys;
    this.#epollFd = Poller.create(sys, 1).fd;
    this.#moveAfter = start.moveAfter;
    const mailboxFd = sys.eventfd();
    if (mailboxFd < 0) throw syscallError('HEDDLE_LISTEN', 'eventfd', mailboxFd, 'cannot wake the acceptor');
    this.#mailboxFd = mailboxFd;
    const exiting = this.#exiting;
    const itsStart: EpollAcceptorStart = {
      ...start,
      epollFd: this.#epollFd,
      mailboxFd,
      exiting: exiting.buffer,
      ...this.#succession(),
    };
    const ring = (): void => void sys.eventfdSignal(mailboxFd);
    return new AcceptorHandle({
      program: 'epoll-acceptor',
      start: itsStart,
      hear: (message) => {
        if (message.type === 'accepting') this.#place.predecessor?.heirlooms.own();
        hear(message);
      },
      ring,
      // It sleeps in a system call, which holds up the end of the process until somebody wakes it.
      wake() {
        Atomics.store(exiting, EXITING, 1);
        ring();
      },
    });
  }

  threadExtras(): ThreadExtras {
    return { acceptorEpollFd: this.#epollFd, mailboxFd: this.#mailboxFd, moveAfter: this.#moveAfter };
  }

  async takePlace(acceptor: AcceptorHandle): Promise<void> {
    const { predecessor } = this.#place;
    if (predecessor === undefined) return;
    const late = delay(PATIENCE, false, { ref: false });
    if (await Promise.race([acceptor.succeed(), late])) return;
    const text = `Cannot take over from process ${predecessor.pid}: it did not answer within ${PATIENCE / 1000} s. Look at its log, or stop it`;
    throw new HeddleError('HEDDLE_LISTEN', text);
  }

  end(memory: SharedMemory, isSucceeded: boolean, detail: string | undefined, lost: readonly number[]): void {
    memory.closeLeft(this.#sys, detail, lost);
    for (const row of memory.board.all) if (!lost.includes(row.thread)) this.#closeFiles(row);
    this.#closeOwn(isSucceeded);
  }

  endLost(memory: SharedMemory, thread: number): void {
    memory.closeLost(this.#sys, thread);
    this.#closeFiles(memory.board.row(thread));
  }

  #closeFiles({ epollFd, timerFd, sleepTimerFd }: ThreadRow): void {
    for (const fd of [epollFd, timerFd, sleepTimerFd]) if (fd > 0) this.#sys.close(fd);
  }

  discard(): void {
    const { predecessor } = this.#place;
    if (predecessor !== undefined) this.#sys.close(predecessor.linkFd); // The acceptor would have closed it.
    this.#closeOwn(false);
  }

  #closeOwn(isSucceeded: boolean): void {
    const sys = this.#sys;
    for (const stayOpen of this.#stayOpen) stayOpen();
    for (const socket of this.#sockets) {
      // What a successor has as well keeps its file.
      if (isSucceeded) sys.close(socket.fd);
      else socket.close();
    }
    for (const fd of [this.#epollFd, this.#mailboxFd]) if (fd >= 0) sys.close(fd);
  }

  abandon(memory: SharedMemory): void {
    const latest = performance.now() + ABANDON_WITHIN_MS;
    Atomics.wait(this.#exiting, ENDED, 0, ABANDON_WITHIN_MS);
    const isServing = (): boolean =>
      memory.board.all.some(({ tid }) => tid > 0 && this.#sys.threadCpuTime(tid) >= 0) ||
      Atomics.load(this.#exiting, ENDED) === 0;
    while (isServing() && performance.now() < latest) Atomics.wait(this.#exiting, PAUSE, 0, ABANDON_LOOK_MS);
    // Whatever a thread still has it may use, and its number must not become another file's.
    if (isServing()) for (const { fd } of this.#sockets) this.#sys.shutdown(fd, SHUT_RDWR);
    else this.end(memory, false, 'the worker that called serve has ended', []);
  }

  get #sockets(): readonly ListeningSocket[] {
    const { control, sockets } = this.#place;
    return control === undefined ? sockets : [...sockets, control];
  }

  #succession(): Pick<EpollAcceptorStart, 'listeners' | 'estate' | 'heritage'> {
    const { control, predecessor, sockets } = this.#place;
    const tls = this.#speaksTls;
    const listeners = sockets.map(({ fd, isShared }) => ({ fd, isShared }));
    const estate = control && { controlFd: control.fd, listeners, tls };
    const heritage = predecessor && {
      linkFd: predecessor.linkFd,
      pid: predecessor.pid,
      takesClients: !tls && !predecessor.tls,
    };
    return { listeners, estate, heritage };
  }
}
