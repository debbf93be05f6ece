/** The epoll engine on main: sockets of the kernel's, which all threads of the process can use. */
import type { AcceptorStart, EpollAcceptorStart, FromAcceptor } from '../acceptor/messages.ts';
import { Poller } from '../reactor/poller.ts';
import type { Sys } from '../sys/sys.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import type { Engine, ThreadExtras, Where } from './engine.ts';
import { listen } from './listen.ts';
import type { ListeningSocket, ServerAddress } from './listening-socket.ts';
import type { SharedMemory } from './shared-memory.ts';

export class EpollEngine implements Engine {
  readonly name = 'epoll';
  readonly threadEntry = new URL('../thread/epoll-entry.js', import.meta.url);
  readonly #sys: Sys;
  #sockets: readonly ListeningSocket[] = [];
  #epollFd = -1;
  #mailboxFd = -1;

  constructor(sys: Sys) {
    this.#sys = sys;
  }

  fileLimit(): number {
    return this.#sys.fileLimit();
  }

  async listen(where: Where): Promise<readonly ServerAddress[]> {
    this.#sockets = await listen(this.#sys, where);
    return this.#sockets.map(({ address }) => address);
  }

  startAcceptor(start: AcceptorStart, hear: (message: FromAcceptor) => void): AcceptorHandle {
    const sys = this.#sys;
    this.#epollFd = Poller.create(sys, 1).fd;
    const mailboxFd = sys.eventfd();
    this.#mailboxFd = mailboxFd;
    const exiting = new Int32Array(new SharedArrayBuffer(4));
    const itsStart: EpollAcceptorStart = {
      ...start,
      epollFd: this.#epollFd,
      mailboxFd,
      exiting: exiting.buffer,
      listeners: this.#sockets.map(({ fd, isShared }) => ({ fd, isShared })),
    };
    const ring = (): void => void sys.eventfdSignal(mailboxFd);
    return new AcceptorHandle({
      entry: new URL('../acceptor/epoll-entry.js', import.meta.url),
      start: itsStart,
      hear,
      ring,
      // It sleeps in a system call, which holds up the end of the process until somebody wakes it.
      wake() {
        Atomics.store(exiting, 0, 1);
        ring();
      },
    });
  }

  threadExtras(): ThreadExtras {
    return { acceptorEpollFd: this.#epollFd, mailboxFd: this.#mailboxFd };
  }

  end(memory: SharedMemory): void {
    const sys = this.#sys;
    memory.closeLeft(sys);
    for (const { epollFd } of memory.board.rows) if (epollFd > 0) sys.close(epollFd);
    for (const socket of this.#sockets) socket.close();
    sys.close(this.#epollFd);
    sys.close(this.#mailboxFd);
  }
}
