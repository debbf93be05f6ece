/** Runs the epoll engine on main: sockets of the kernel, which all threads of the process can use. */
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import type { AcceptorStart, EpollAcceptorStart, FromAcceptor } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import type { AcceptQueue } from '../admin/observed.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { Poller } from '../reactor/poller.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { SHUT_RDWR } from '../sys/constants.ts';
import { syscallError } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras } from './engine.ts';
import { addressText, type ListeningSocket, type ServerAddress } from '../listen/listening-socket.ts';
import { openSockets, type OpenSockets } from './open-sockets.ts';
import { HANDOVER_TIMEOUT_MS } from '../handover/connect.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How long threads may take to end when nobody can wait for them, in ms, and how often they are looked at. */
const ABANDON_TIMEOUT_MS = 1_000;
const ABANDON_POLL_MS = 2;

// Words of what the acceptor and this thread tell each other as they end; nobody ever changes PAUSE, which is waited at.
const EXITING = 0;
const ENDED = 1;
const PAUSE = 2;

export class EpollEngine implements Engine {
  readonly name = 'epoll';
  readonly threadProgram = 'epoll-thread';
  readonly #sys: Sys;
  #place: OpenSockets = { sockets: [], control: undefined, previous: undefined };
  #speaksTls = false;
  #epollFd = -1;
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
    this.#place = await openSockets(this.#sys, settings, nameOf);
    this.#speaksTls = settings.tls !== undefined;
    // A worker may be ended from outside at any moment; the process then goes on, and must not keep the port.
    if (!isMainThread) this.#stayOpen = this.#sockets.map(({ fd }) => this.#sys.closeAtThreadEnd(fd));
    return this.#place.sockets.map(({ address }) => address);
  }

  startAcceptor(start: AcceptorStart, onMessage: (message: FromAcceptor) => void): AcceptorHandle {
    const sys = this.#sys;
    this.#epollFd = Poller.create(sys, 1).fd;
    const mailboxFd = sys.eventfd();
    if (mailboxFd < 0) throw syscallError('HEDDLE_LISTEN', 'eventfd', mailboxFd, 'cannot wake the acceptor');
    this.#mailboxFd = mailboxFd;
    const exiting = this.#exiting;
    const itsStart: EpollAcceptorStart = {
      ...start,
      epollFd: this.#epollFd,
      mailboxFd,
      exiting: exiting.buffer,
      ...this.#handover(),
    };
    const signal = (): void => void sys.eventfdSignal(mailboxFd);
    return new AcceptorHandle({
      program: 'epoll-acceptor',
      start: itsStart,
      onMessage: (message) => {
        if (message.type === 'accepting') this.#place.previous?.inherited.own();
        onMessage(message);
      },
      signal,
      // It sleeps in a system call, which holds up the end of the process until somebody wakes it.
      wake() {
        Atomics.store(exiting, EXITING, 1);
        signal();
      },
    });
  }

  canStartThread(): boolean {
    return this.#sys.canStartThread();
  }

  cpuTimeOf(tid: number): number | undefined {
    const time = this.#sys.threadCpuTime(tid);
    return time < 0 ? undefined : time;
  }

  peerUid(fd: number): number {
    const peer = fd < 0 ? fd : this.#sys.peerCredentials(fd);
    return typeof peer === 'number' ? -1 : peer.uid;
  }

  /** Only TCP has them: of a Unix socket the kernel does not say. */
  acceptQueues(): readonly AcceptQueue[] {
    return this.#place.sockets.flatMap(({ address, fd }) => {
      const queue = this.#sys.acceptQueue(fd);
      return typeof queue === 'number' ? [] : [{ listener: addressText(address), ...queue }];
    });
  }

  threadExtras(): ThreadExtras {
    return { acceptorEpollFd: this.#epollFd, mailboxFd: this.#mailboxFd };
  }

  async takeOver(acceptor: AcceptorHandle): Promise<void> {
    const { previous } = this.#place;
    if (previous === undefined) return;
    const late = delay(HANDOVER_TIMEOUT_MS, false, { ref: false });
    if (await Promise.race([acceptor.succeed(), late])) return;
    const text = `Cannot take over from process ${previous.pid}: it did not answer within ${HANDOVER_TIMEOUT_MS / 1000} s. Look at its log, or stop it`;
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
    const { previous } = this.#place;
    if (previous !== undefined) this.#sys.close(previous.channelFd); // The acceptor would have closed it.
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
    const latest = performance.now() + ABANDON_TIMEOUT_MS;
    Atomics.wait(this.#exiting, ENDED, 0, ABANDON_TIMEOUT_MS);
    const isServing = (): boolean =>
      memory.board.all.some(({ tid }) => tid > 0 && this.#sys.threadCpuTime(tid) >= 0) ||
      Atomics.load(this.#exiting, ENDED) === 0;
    while (isServing() && performance.now() < latest) Atomics.wait(this.#exiting, PAUSE, 0, ABANDON_POLL_MS);
    // Whatever a thread still has it may use, and its number must not become another file's.
    if (isServing()) for (const { fd } of this.#sockets) this.#sys.shutdown(fd, SHUT_RDWR);
    else this.end(memory, false, 'the worker that called serve has ended', []);
  }

  get #sockets(): readonly ListeningSocket[] {
    const { control, sockets } = this.#place;
    return control === undefined ? sockets : [...sockets, control];
  }

  #handover(): Pick<EpollAcceptorStart, 'listeners' | 'offer' | 'source'> {
    const { control, previous, sockets } = this.#place;
    const tls = this.#speaksTls;
    const listeners = sockets.map(({ fd, isShared }) => ({ fd, isShared }));
    const offer = control && { controlFd: control.fd, listeners, tls };
    const source = previous && {
      channelFd: previous.channelFd,
      pid: previous.pid,
      takesClients: !tls && !previous.tls,
    };
    return { listeners, offer, source };
  }
}
