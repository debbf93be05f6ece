/** Decides who is let in: by the client's address, and by how many clients there are. */
import { type AddressLimits, AddressRules } from '../connection/address-rules.ts';
import type { Report } from '../connection/end/close.ts';
import type { RejectEvent } from '../log/event.ts';
import type { Overflow } from '../options/serve-options.ts';
import type { AcceptorCounters, RejectReason } from '../sharing/acceptor-counters.ts';
import { ClientsPerAddress } from '../sharing/clients-per-address.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadBoard } from '../sharing/thread-board.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import { PauseReport } from './pause-report.ts';

/** The options of `serve` that say who is let in. */
export interface AdmissionLimits extends AddressLimits {
  readonly maxClients: number;
  readonly overflow: Overflow;
}

interface AdmissionParts {
  readonly sys: Pick<Sys, 'close' | 'addressText'>;
  readonly board: ThreadBoard;
  readonly table: ConnectionTable;
  readonly counters: AcceptorCounters;
  readonly report: Report | undefined;
  /** Memory of a `ClientsPerAddress`, if others use it too: the threads that read PROXY headers. */
  readonly addresses?: SharedArrayBuffer | undefined;
}

/*
 * Only the acceptor adds clients, so what it counts is exact: others can but take some away. A client has left when
 * whoever closes it has counted its connection out, right before its fd is closed.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #maxClients: number;
  readonly #waits: boolean;
  readonly #rules: AddressRules;
  readonly #rejections: RejectionReport;
  readonly #pauses: PauseReport;
  /** Places that are free for certain; there may be more. */
  #places = 0;
  /** Places that are kept: they are not in `#places`. */
  #reserved = 0;
  #wasOpen = true;

  constructor(parts: AdmissionParts, limits: AdmissionLimits) {
    const { maxClients, overflow } = limits;
    this.#parts = parts;
    this.#maxClients = maxClients;
    this.#waits = overflow === 'wait';
    this.#rules = rulesOf(parts, limits);
    this.#rejections = new RejectionReport(parts.report);
    this.#pauses = new PauseReport(parts.report);
  }

  /** Whether clients are accepted now; otherwise they wait in the kernel. */
  get isOpen(): boolean {
    return !this.#waits || this.#hasPlace();
  }

  /**
   * Counts the client accepted as `fd`. False: it is not let in, and was closed. `isProxied`: the peer is a load balancer;
   * the thread that reads its PROXY header decides about the client's own address.
   */
  admits(fd: number, peer: PeerAddress, isProxied = false): boolean {
    const reason = this.#objection(fd, peer.bytes, isProxied);
    if (reason !== undefined) {
      this.reject(fd, peer, reason);
      return false;
    }
    this.#places--;
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

  /**
   * Lets in, as `fd`, a client that was let in by the process before this one, on a place that was kept for it;
   * `address` is left out where its PROXY header is yet to come.
   */
  takeReserved(fd: number, address: Uint8Array | undefined): void {
    this.#reserved--;
    if (address === undefined) this.#rules.forget(fd);
    else this.#rules.readmit(fd, address);
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

  #objection(fd: number, address: Uint8Array, isProxied: boolean): RejectReason | undefined {
    if (!isProxied && this.#rules.denies(address)) return 'denied';
    if (fd >= this.#parts.table.capacity || !this.#hasPlace()) return 'over-limit';
    if (isProxied) this.#rules.forget(fd);
    else if (!this.#rules.admits(fd, address)) return 'over-limit';
    return undefined;
  }

  #hasPlace(): boolean {
    if (this.#places <= 0) this.#countPlaces();
    return this.#places > 0;
  }

  #countPlaces(): void {
    const most = this.#maxClients - this.#reserved;
    this.#places = most - this.#parts.board.connections;
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

function rulesOf({ addresses, report, table }: AdmissionParts, limits: AddressLimits): AddressRules {
  if (limits.maxClientsPerAddress === Infinity) return new AddressRules(limits, undefined);
  if (addresses === undefined) return new AddressRules(limits, ClientsPerAddress.create(table));
  const stuck = (): void => report?.({ type: 'lock-stuck', time: Date.now(), what: 'addresses' });
  return new AddressRules(limits, new ClientsPerAddress(addresses, table, stuck));
}

/** How many are reported one by one in each period. */
const MAX_REPORTED = 10;
/** In ms. */
const PERIOD_MS = 1000;

class RejectionReport {
  readonly #report: Report | undefined;
  #since = Number.NEGATIVE_INFINITY;
  #shown = 0;
  #hidden = 0;

  constructor(report: Report | undefined) {
    this.#report = report;
  }

  /** Reports what `describe` gives, or only counts it. */
  add(describe: () => RejectEvent, now: number): void {
    this.look(now);
    if (this.#shown === MAX_REPORTED) {
      this.#hidden++;
      return;
    }
    this.#shown++;
    this.#report?.(describe());
  }

  /** Begins a new period if it is time to. */
  look(now: number): void {
    if (now - this.#since < PERIOD_MS) return;
    this.#since = now;
    this.#shown = 0;
    this.reportHidden();
  }

  /** Says how many were only counted. */
  reportHidden(): void {
    if (this.#hidden > 0) this.#report?.({ type: 'rejects-hidden', time: Date.now(), count: this.#hidden });
    this.#hidden = 0;
  }
}
