/** Used to decide who is let in: by the client's address, and by how many clients there are. */
import type { Report } from '../connection/closer.ts';
import type { RejectEvent } from '../log/event.ts';
import { isUnixAddress } from '../ip-address.ts';
import { type Cidr, matches } from '../options/cidr.ts';
import type { Overflow } from '../options/serve-options.ts';
import type { AcceptorCounters, RejectReason } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadBoard } from '../sharing/thread-board.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import { ClientsPerAddress } from './clients-per-address.ts';
import { PauseReport } from './pause-report.ts';
import { RejectionReport } from './rejection-report.ts';

/** The options of `serve` that say who is let in. */
export interface AdmissionLimits {
  readonly maxClients: number;
  readonly overflow: Overflow;
  readonly maxClientsPerAddress: number;
  readonly allow: readonly Cidr[] | undefined;
  readonly deny: readonly Cidr[] | undefined;
}

interface AdmissionParts {
  readonly sys: Pick<Sys, 'close' | 'addressText'>;
  readonly board: ThreadBoard;
  readonly table: ConnectionTable;
  readonly counters: AcceptorCounters;
  readonly report: Report | undefined;
}

/*
 * Only the acceptor adds clients, so what it counts is exact: others can but take some away. A client has left when
 * whoever closes it has counted it out, right before its fd is closed.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #maxClients: number;
  readonly #waits: boolean;
  readonly #allow: readonly Cidr[] | undefined;
  readonly #deny: readonly Cidr[];
  /** Left out if there is no limit. */
  readonly #perAddress: ClientsPerAddress | undefined;
  readonly #rejections: RejectionReport;
  readonly #pauses: PauseReport;
  /** Places that are free for certain; there may be more. */
  #places = 0;
  /** Places that are kept: they are not in `#places`. */
  #reserved = 0;
  #wasOpen = true;

  constructor(parts: AdmissionParts, limits: AdmissionLimits) {
    const { allow, deny = [], maxClients, maxClientsPerAddress, overflow } = limits;
    this.#parts = parts;
    this.#maxClients = maxClients;
    this.#waits = overflow === 'wait';
    this.#allow = allow;
    this.#deny = deny;
    this.#perAddress =
      maxClientsPerAddress === Infinity ? undefined : new ClientsPerAddress(parts.table, maxClientsPerAddress);
    this.#rejections = new RejectionReport(parts.report);
    this.#pauses = new PauseReport(parts.report);
  }

  /** Whether clients are accepted now; otherwise they wait in the kernel. */
  get isOpen(): boolean {
    return !this.#waits || this.#hasPlace();
  }

  /** Counts the client accepted as `fd`. False: it is not let in, and was closed. */
  admits(fd: number, peer: PeerAddress): boolean {
    const reason = this.#objection(fd, peer.bytes);
    if (reason !== undefined) {
      this.reject(fd, peer, reason);
      return false;
    }
    this.#places--;
    this.#perAddress?.add(fd, peer.bytes);
    return true;
  }

  /**
   * Keeps up to `most` places for clients of the process before this one, who come as `takeReserved` says; returns how
   * many. All of them are given back with `giveBack`.
   */
  reserve(most: number): number {
    this.#countPlaces();
    const reserved = Math.max(0, Math.min(most, this.#places));
    this.#places -= reserved;
    this.#reserved += reserved;
    return reserved;
  }

  /** Lets in, as `fd`, a client that was let in by the process before this one, on a place that was kept for it. */
  takeReserved(fd: number, address: Uint8Array): void {
    this.#reserved--;
    if (!isUnixAddress(address)) this.#perAddress?.add(fd, address);
  }

  giveBack(count: number): void {
    this.#reserved -= count;
  }

  /** To be called now and then, with the time in `performance.now()` ms. */
  look(now: number): void {
    this.#rejections.look(now);
    const { isOpen } = this;
    if (this.#wasOpen && !isOpen) this.#full(now);
    this.#wasOpen = isOpen;
  }

  /** Says how many of those turned away were not reported one by one. */
  reportHidden(): void {
    this.#rejections.reportHidden();
  }

  #full(now: number): void {
    this.#parts.counters.countPause('max-clients');
    this.#pauses.add('max-clients', now);
  }

  #objection(fd: number, address: Uint8Array): RejectReason | undefined {
    // Who may use a Unix socket, its file says.
    const isLocal = isUnixAddress(address);
    if (!isLocal && this.#isDenied(address)) return 'denied';
    if (fd >= this.#parts.table.capacity || !this.#hasPlace()) return 'over-limit';
    return isLocal || this.#perAddress?.hasRoom(address) !== false ? undefined : 'over-limit';
  }

  #isDenied(address: Uint8Array): boolean {
    return matches(this.#deny, address) || (this.#allow !== undefined && !matches(this.#allow, address));
  }

  #hasPlace(): boolean {
    if (this.#places <= 0) this.#countPlaces();
    return this.#places > 0;
  }

  #countPlaces(): void {
    const most = this.#maxClients - this.#reserved;
    this.#places = this.#parts.board.rows.reduce((places, row) => places - row.clients, most);
  }

  /** Turns the client of `fd` away. A plain close: it sees the end of the stream, or a reset if it has sent something already. */
  reject(fd: number, peer: PeerAddress, reason: RejectReason): void {
    const { counters, sys } = this.#parts;
    counters.countRejected(reason);
    const describe = (): RejectEvent => {
      return { type: 'reject', time: Date.now(), address: sys.addressText(peer.bytes), port: peer.port, reason };
    };
    this.#rejections.add(describe, performance.now());
    sys.close(fd);
  }
}
