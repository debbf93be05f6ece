/** Used to take the PROXY header off a connection before anything else is made of it: the service hears of its client afterwards. */
import type { AddressRules } from './address-rules.ts';
import { decodeProxyHeader, type ProxySource, SHORTEST_HEADER } from '../framing/proxy-header.ts';
import type { ServerEvent } from '../log/event.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { type ConnectionTable, COUNTED, type Ticket } from '../sharing/connection-table.ts';
import { EAGAIN, errnoName } from '../sys/errno.ts';
import type { SocketCalls } from './host.ts';
import { closeEvent } from './closer.ts';
import { Kept } from './kept.ts';
import { ANY, Reader, type ReaderHost } from './reader.ts';

/*
 * Until its header is whole, a connection is its slot and nothing more: flagged PROXIED, with the part of the header that
 * has come in its inbox, at rest. So it moves, and outlives its thread, as one with half a message does. That is so
 * under TLS as well: the socket, not yet a stream of Node's, is read here, and not a byte beyond the header, since what
 * comes next is the handshake, which Node reads for itself.
 */

/** What the gate needs of the thread; in the epoll engine the sockets are those of the kernel, under TLS too. */
export type GateHost = ReaderHost & {
  readonly sys: Pick<SocketCalls, 'recv' | 'close' | 'unread' | 'addressText'>;
  readonly table: ConnectionTable;
};

export interface GateSettings {
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
  readonly inbox: Kept | undefined;
}

export class ProxyGate {
  readonly #host: GateHost;
  readonly #reader: Reader;
  readonly #settings: GateSettings;

  constructor(host: GateHost, settings: GateSettings) {
    this.#host = host;
    this.#reader = new Reader(host);
    this.#settings = settings;
  }

  /**
   * Reads on in the header of a connection whose slot the caller has. Once it is whole, the slot has the client's own
   * address, which is reported, and what came behind the header is returned. Undefined: the caller has the slot no more,
   * the connection rests (`stays`: it may wait for the rest of its header) or is closed.
   */
  read(fd: number, ticket: Ticket, stays: boolean): Passed | undefined {
    const { isExact } = this.#settings;
    const reader = this.#reader;
    let inbox = this.#open(fd);
    let most = isExact ? this.#missing(inbox) : ANY;
    for (;;) {
      const received = reader.receive(fd, inbox, most);
      if (received <= 0) return this.#noMore(fd, ticket, inbox, received, stays);
      const header = decodeProxyHeader(reader.bytes, reader.from, reader.to);
      if (header.kind === 'bad') return this.#close(fd, ticket, inbox, 'proxy-error', header.problem);
      if (header.kind === 'header') {
        this.#replaceAddress(fd, header.source);
        const objection = this.#objection(fd, header.source);
        if (objection !== undefined) return this.#close(fd, ticket, inbox, objection.reason, objection.detail);
        this.#host.table.setBegun(fd, 0);
        this.#settings.report?.({ type: 'open', ...this.#describe(fd) });
        return { inbox: reader.keep(reader.from + header.length, inbox) };
      }
      if (isExact) most = header.missing;
      inbox = reader.keep(reader.from, inbox);
    }
  }

  /** Whether something has arrived that was not read. The caller has the slot. */
  hasArrived(fd: number): boolean {
    return this.#host.sys.unread(fd) > 0;
  }

  /** Closes a connection whose header has not come in time. The caller has the slot. */
  endOverdue(fd: number, ticket: Ticket, reason: CloseReason): void {
    this.#close(fd, ticket, this.#open(fd), reason, 'its PROXY header is not complete');
  }

  /** Takes the part of the header that has come out of the slot: should this thread end now, it is not freed twice. */
  #open(fd: number): Kept | undefined {
    const { stores, table } = this.#host;
    const inbox = table.inbox(fd);
    table.pack(fd, undefined, 0, undefined);
    stores.claim(inbox);
    return inbox && Kept.open(stores, inbox);
  }

  /** How many bytes the header, of which `inbox` was read, has yet to have at least. */
  #missing(inbox: Kept | undefined): number {
    if (inbox === undefined) return SHORTEST_HEADER;
    const header = decodeProxyHeader(inbox.memory.bytes, inbox.from, inbox.to);
    return header.kind === 'incomplete' ? header.missing : 0;
  }

  /** Without a source the connection is the proxy's own: a health check, or one whose client it does not know. */
  #replaceAddress(fd: number, source: ProxySource | undefined): void {
    if (source !== undefined) this.#host.table.setAddress(fd, source.address, source.port);
  }

  /** The acceptor has let in the load balancer; its client is let in, or not, here. */
  #objection(fd: number, source: ProxySource | undefined): Objection | undefined {
    const { rules } = this.#settings;
    if (rules === undefined) return undefined;
    const isDenied =
      source === undefined ? rules.deniesProxy(this.#host.table.address(fd)) : rules.denies(source.address);
    if (isDenied) return { reason: 'denied' };
    if (source === undefined || rules.admits(fd, source.address)) return undefined;
    return { reason: 'over-limit', detail: 'its address has as many clients as maxClientsPerAddress allows' };
  }

  /** Goes on from a read that gave nothing: its result is in `received`. */
  #noMore(fd: number, ticket: Ticket, inbox: Kept | undefined, received: number, stays: boolean): undefined {
    if (received === EAGAIN) return this.#wait(fd, ticket, inbox, stays);
    if (received < 0) return this.#close(fd, ticket, inbox, 'client-reset', errnoName(received));
    if (inbox === undefined) return this.#close(fd, ticket, inbox, 'client-finished');
    return this.#close(fd, ticket, inbox, 'proxy-error', 'the input ended part-way through the PROXY header');
  }

  #wait(fd: number, ticket: Ticket, inbox: Kept | undefined, stays: boolean): undefined {
    const { stores, table } = this.#host;
    if (!stays) return this.#close(fd, ticket, inbox, 'shutdown');
    const luggage = inbox?.luggage;
    if (luggage === undefined && inbox !== undefined)
      return this.#close(fd, ticket, inbox, 'over-limit', 'no shared memory is left to keep part of a PROXY header');
    stores.leave(luggage);
    table.pack(fd, luggage, 0, undefined);
    table.rest(fd, ticket);
  }

  /** Closes at once: nothing was sent that the other side has yet to read. */
  #close(fd: number, ticket: Ticket, inbox: Kept | undefined, reason: CloseReason, detail?: string): undefined {
    const { row, sys, table } = this.#host;
    table.closing(fd, ticket);
    row.countClose(reason);
    this.#settings.report?.(closeEvent(this.#describe(fd), reason, detail));
    table.setFlags(fd, COUNTED);
    inbox?.free();
    row.addClients(-1);
    table.free(fd, ticket);
    sys.close(fd);
  }

  #describe(fd: number) {
    const { row, sys, table } = this.#host;
    const address = sys.addressText(table.address(fd));
    return { time: Date.now(), client: table.id(fd), address, port: table.port(fd), thread: row.thread + 1 };
  }
}
