/** Takes the PROXY header off a connection before anything else is made of it: the service hears of its client afterwards. */
import type { AddressRules } from './address-rules.ts';
import { decodeProxyHeader, type ProxySource, MIN_HEADER_BYTES } from '../framing/proxy-header.ts';
import type { ServerEvent } from '../log/event.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import { EAGAIN, errnoName } from '../sys/errno.ts';
import type { Closer } from './end/close.ts';
import { ANY_BYTES, Reader, type ReaderContext } from './bytes/reader.ts';
import { SharedBuffer } from './bytes/saved-bytes.ts';
import type { SocketCalls } from './sockets.ts';

/*
 * Until its header is whole, a connection is its slot and nothing more: flagged PROXIED, with the part of the header that
 * has come in its inbox, idle. So it moves, and outlives its thread, as one with half a message does. That is so
 * under TLS as well: the socket, not yet a stream of Node's, is read here, and not a byte beyond the header, since what
 * comes next is the handshake, which Node reads for itself.
 */

/** What a PROXY header reader needs of the thread; in the epoll engine the sockets are those of the kernel, under TLS too. */
export type ProxyHeaderContext = ReaderContext & {
  readonly sys: Pick<SocketCalls, 'recv' | 'unread'>;
  readonly table: ConnectionTable;
  readonly closer: Closer;
};

export interface ProxyHeaderSettings {
  /** What follows a header is left in the kernel, for somebody else to read. */
  readonly isExact: boolean;
  readonly report: ((event: ServerEvent) => void) | undefined;
  /** Who may come; `undefined`: everybody. */
  readonly rules: AddressRules | undefined;
}

/** Why a client is not let in. */
interface Objection {
  readonly reason: CloseReason;
  readonly detail?: string;
}

/** A connection whose header was read. */
export interface Passed {
  /** What came behind the header. */
  readonly inbox: SharedBuffer | undefined;
}

export class ProxyHeaderReader {
  readonly #context: ProxyHeaderContext;
  readonly #reader: Reader;
  readonly #settings: ProxyHeaderSettings;

  constructor(context: ProxyHeaderContext, settings: ProxyHeaderSettings) {
    this.#context = context;
    this.#reader = new Reader(context);
    this.#settings = settings;
  }

  /**
   * Reads on in the header of a connection whose slot the caller has. Once it is whole, the slot has the client's own
   * address, which is reported, and what came behind the header is returned. Undefined: the caller has the slot no more,
   * the connection rests (`stays`: it may wait for the rest of its header) or is closed.
   */
  read(fd: number, generation: Generation, stays: boolean): Passed | undefined {
    const { isExact } = this.#settings;
    const reader = this.#reader;
    let inbox = this.#open(fd);
    let most = isExact ? this.#missing(inbox) : ANY_BYTES;
    for (;;) {
      const received = reader.receive(fd, inbox, most);
      if (received <= 0) return this.#noMore(fd, generation, inbox, received, stays);
      const header = decodeProxyHeader(reader.bytes, reader.from, reader.to);
      if (header.kind === 'bad') return this.#close(fd, generation, inbox, 'proxy-error', header.problem);
      if (header.kind === 'header') {
        this.#replaceAddress(fd, header.source);
        const objection = this.#objection(fd, header.source);
        if (objection !== undefined) return this.#close(fd, generation, inbox, objection.reason, objection.detail);
        this.#context.table.setMessageStartedAt(fd, 0);
        const { closer, row } = this.#context;
        this.#settings.report?.({ type: 'open', ...closer.describe(fd, row) });
        return { inbox: reader.keep(reader.from + header.length, inbox) };
      }
      if (isExact) most = header.missing;
      inbox = reader.keep(reader.from, inbox);
    }
  }

  /** Whether something has arrived that was not read. The caller has the slot. */
  hasArrived(fd: number): boolean {
    return this.#context.sys.unread(fd) > 0;
  }

  /** Closes a connection whose header has not come in time. The caller has the slot. */
  endExpired(fd: number, generation: Generation, reason: CloseReason): void {
    this.#close(fd, generation, this.#open(fd), reason, 'its PROXY header is not complete');
  }

  /** Takes the part of the header that has come out of the slot: should this thread end now, it is not freed twice. */
  #open(fd: number): SharedBuffer | undefined {
    const { blocks, table } = this.#context;
    const inbox = table.inbox(fd);
    table.save(fd, undefined, 0, undefined);
    blocks.claim(inbox);
    return inbox && SharedBuffer.open(blocks, inbox);
  }

  /** How many bytes the header, of which `inbox` was read, has yet to have at least. */
  #missing(inbox: SharedBuffer | undefined): number {
    if (inbox === undefined) return MIN_HEADER_BYTES;
    const header = decodeProxyHeader(inbox.memory.bytes, inbox.from, inbox.to);
    return header.kind === 'incomplete' ? header.missing : 0;
  }

  /** Without a source the connection is the proxy's own: a health check, or one whose client it does not know. */
  #replaceAddress(fd: number, source: ProxySource | undefined): void {
    if (source !== undefined) this.#context.table.setAddress(fd, source.address, source.port);
  }

  /** The acceptor has let in the load balancer; its client is let in, or not, here. */
  #objection(fd: number, source: ProxySource | undefined): Objection | undefined {
    const { rules } = this.#settings;
    if (rules === undefined) return undefined;
    const isDenied =
      source === undefined ? rules.deniesProxy(this.#context.table.address(fd)) : rules.denies(source.address);
    if (isDenied) return { reason: 'denied' };
    if (source === undefined || rules.admits(fd, source.address)) return undefined;
    return { reason: 'over-limit', detail: 'its address has as many clients as maxClientsPerAddress allows' };
  }

  /** Goes on from a read that gave nothing: its result is in `received`. */
  #noMore(
    fd: number,
    generation: Generation,
    inbox: SharedBuffer | undefined,
    received: number,
    stays: boolean,
  ): undefined {
    if (received === EAGAIN) return this.#wait(fd, generation, inbox, stays);
    if (received < 0) return this.#close(fd, generation, inbox, 'client-reset', errnoName(received));
    if (inbox === undefined) return this.#close(fd, generation, inbox, 'client-finished');
    return this.#close(fd, generation, inbox, 'proxy-error', 'the input ended part-way through the PROXY header');
  }

  #wait(fd: number, generation: Generation, inbox: SharedBuffer | undefined, stays: boolean): undefined {
    const { blocks, table } = this.#context;
    if (!stays) return this.#close(fd, generation, inbox, 'shutdown');
    const saved = inbox?.saved;
    if (saved === undefined && inbox !== undefined)
      return this.#close(
        fd,
        generation,
        inbox,
        'over-limit',
        'no shared memory is left to keep part of a PROXY header',
      );
    blocks.leave(saved);
    table.save(fd, saved, 0, undefined);
    table.idle(fd, generation);
  }

  /** Closes at once: nothing was sent that the other side has yet to read. */
  #close(
    fd: number,
    generation: Generation,
    inbox: SharedBuffer | undefined,
    reason: CloseReason,
    detail?: string,
  ): undefined {
    const { closer, row } = this.#context;
    inbox?.free();
    closer.close(fd, generation, row, reason, detail);
  }
}
