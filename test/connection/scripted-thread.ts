/** A service thread without a kernel: the test plays the sockets, and sees every call on them. */
import { OfferedBytes } from '../support/offered-bytes.ts';
import { TIMELESS } from '../support/timeless.ts';
import { mapped } from '../../src/ip-address.ts';
import type { Service } from '../../src/connection/service.ts';
import { createFraming, type FramingSpec } from '../../src/framing/framing.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { Poller } from '../../src/reactor/poller.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable, type Generation } from '../../src/sharing/connection-table.ts';
import { stateOf } from '../../src/sharing/control-word.ts';
import { MemoryAccount } from '../../src/sharing/memory-account.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import { openLibc } from '../../src/sys/libc.ts';
import type { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import type { Sys } from '../../src/sys/sys.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';
import { ThreadClients } from '../../src/thread/clients.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';

/** A socket that the test plays. */
export class ScriptedSocket {
  readonly fd: number;
  readonly calls: string[] = [];
  /** What the client has sent and was not read; `undefined` at the end: it has finished. */
  incoming: (Buffer | undefined)[] = [];
  /** What `recv` answers when nothing is there. */
  error = EAGAIN;
  /** How many bytes each `send` takes; below zero: the errno that it answers. */
  window: () => number = () => Infinity;
  sent = Buffer.alloc(0);
  /** How many bytes the kernel keeps of them. */
  unsent = 0;
  /** What was handed to `send`, and against its rules. */
  readonly violations: string[] = [];
  readonly #offered = new OfferedBytes();
  /** What `shutdown` answers. */
  ended = 0;
  interest = 0;
  /** The state of the slot when the fd was closed; `undefined`: it is open. */
  closedIn: number | undefined;

  constructor(fd: number) {
    this.fd = fd;
  }

  recv(memory: NativeBuffer, offset: number, length: number): number {
    if (this.incoming.length === 0) return this.error;
    const [first, ...rest] = this.incoming;
    if (first === undefined) return 0;
    const taken = first.copy(memory.bytes, offset, 0, length);
    this.incoming = taken < first.length ? [first.subarray(taken), ...rest] : rest;
    return taken;
  }

  send(memory: NativeBuffer, offset: number, length: number): number {
    const window = this.window();
    const taken = Math.max(0, Math.min(window, length));
    const bytes = memory.bytes.subarray(offset, offset + length);
    const problem = this.#offered.offer(bytes, taken);
    if (problem !== undefined) this.violations.push(problem);
    if (window < 0) return window;
    this.sent = Buffer.concat([this.sent, bytes.subarray(0, taken)]);
    return taken;
  }
}

export class ScriptedThread {
  readonly table = ConnectionTable.create(64);
  readonly board = ThreadBoard.create(1);
  readonly arena = Arena.create(2 ** 22);
  readonly events: ServerEvent[] = [];
  readonly thread: ThreadClients;
  /** How often the thread has said that it is drained. */
  drained = 0;
  readonly #sockets = new Map<number, ScriptedSocket>();
  #id = 0;

  private constructor(real: Sys, service: Service, framing: FramingSpec, limits: Partial<typeof TIMELESS>) {
    const sys = this.#scripted(real);
    this.thread = new ThreadClients({
      sys,
      memory: makeThreadMemory(),
      table: this.table,
      arena: this.arena,
      row: this.board.row(0),
      account: new MemoryAccount(this.board, this.arena, Infinity),
      room: this.board.waitingRoom,
      poller: new Poller(sys, 63, 16),
      service,
      framings: [{ name: undefined, framing: createFraming(service.framing ?? framing, 2 ** 20) }],
      settings: { ...TIMELESS, ...limits },
      report: (event) => this.events.push(event),
      complain: (event) => void this.events.push(event),
      drained: () => void this.drained++,
    });
  }

  static async create(
    service: Service,
    framing: FramingSpec = 'line',
    limits: Partial<typeof TIMELESS> = {},
  ): Promise<ScriptedThread> {
    return new ScriptedThread(openLibc(), service, framing, limits);
  }

  /** Accepts a client on `fd`, as the acceptor does. */
  admit(fd: number, flags = 0): { readonly socket: ScriptedSocket; readonly generation: Generation } {
    const socket = new ScriptedSocket(fd);
    this.#sockets.set(fd, socket);
    const generation = this.table.admit(fd, 0, ++this.#id, mapped([10, 0, 0, 1]), 1000 + fd, flags);
    this.board.row(0).addClients(1);
    this.table.settle(fd, generation);
    return { socket, generation };
  }

  state(fd: number): number {
    return stateOf(this.table.word(fd));
  }

  #scripted(real: Sys): Sys {
    const socketOf = (fd: number, call: string): ScriptedSocket => {
      const socket = this.#sockets.get(fd);
      if (socket === undefined || socket.closedIn !== undefined)
        throw new Error(`${call} on fd ${fd}, which is closed`);
      socket.calls.push(call);
      return socket;
    };
    /** Questions are no calls. */
    const asked = (fd: number): ScriptedSocket => {
      const socket = socketOf(fd, 'question');
      socket.calls.pop();
      return socket;
    };
    const calls: Partial<Sys> = {
      recv: (fd, memory, offset, length) => socketOf(fd, 'recv').recv(memory, offset, length),
      send: (fd, memory, offset, length) => socketOf(fd, 'send').send(memory, offset, length),
      unread: (fd) => asked(fd).incoming.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0),
      unsent: (fd) => asked(fd).unsent,
      discardOnClose: (fd) => (socketOf(fd, 'discard'), 0),
      shutdown: (fd) => socketOf(fd, 'shutdown').ended,
      storeAndClose: storingBefore((fd) => {
        socketOf(fd, 'close').closedIn = this.state(fd);
        return 0;
      }),
      epollControl: (_epollFd, _operation, fd, mask) => {
        socketOf(fd, 'epoll_ctl').interest = mask;
        return 0;
      },
    };
    return new Proxy(real, {
      get(target, name) {
        const own: unknown = Reflect.get(calls, name) ?? Reflect.get(target, name);
        return typeof own === 'function' ? own.bind(target) : own;
      },
    });
  }
}
