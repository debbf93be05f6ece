/** Keeps account of what clients and addresses cost: who costs much is served in turns, and who has cost least comes first. */
import { sharedTime, elapsed } from '../../sharing/clock.ts';
import { BLOCKING, COMPUTING, isExpensive, LIGHT } from '../../sharing/client-kind.ts';
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import { isMapped } from '../../ip-address.ts';
import { type Block, costOf } from '../thread-watch.ts';

/*
 * A cost is time that a thread was kept: CPU time of a client that computes, all of it for one whose thread waited for
 * something else. It counts half after HALF_LIFE_MS. A client's account lies in its slot, so that it goes with the client to
 * another process; an address's account is the acceptor's own.
 */

/** What a client or an address has cost counts half after this time. */
const HALF_LIFE_MS = 5000;
/**
 * From here on a client is expensive. One pause of the garbage collector costs less, and so does one slow message now and
 * then: this is 0.7 % of a thread, for good.
 */
export const EXPENSIVE_MS = 50;
/** From here on an address is blamed: some 7 % of a thread, for good. */
const BLAMED_MS = 500;
/** Below this it is light again: an expensive client that was idle for 15 s, or sends short messages only. */
const LIGHT_AGAIN_MS = 10;
/** A message that costs less than this on average need not wait for those that cost more. */
const BRIEF_MS = 50;
/** A message that costs less says nothing of whether its client's messages compute or wait. */
const TELLING_MS = 5;
/** How much of the average cost of a message is that of the last one. */
const NEWEST = 0.25;
/** More addresses than this are not remembered: the cheapest ones are forgotten. */
const MOST_ADDRESSES = 4096;

/**
 * Orders costs of different times: all of them get smaller by the same factor, so who ranks lower now does so at any time,
 * until one of the two is charged again.
 */
export function rankOf(cost: number, now: number): number {
  return Math.log2(Math.max(cost, 0.001)) + now / HALF_LIFE_MS;
}

function decayed(cost: number, milliseconds: number): number {
  return milliseconds <= 0 ? cost : cost * 0.5 ** (milliseconds / HALF_LIFE_MS);
}

export class ClientCosts {
  readonly #table: ConnectionTable;

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  /** What the client of `fd` has cost, in ms. */
  of(fd: number, now: number): number {
    const table = this.#table;
    return decayed(table.cost(fd) / 1000, elapsed(table.costAt(fd), sharedTime(now)));
  }

  /** Charges `cost` ms for a message of the client, which is expensive if that makes it so. `waited`: its thread did not compute. */
  charge(fd: number, cost: number, waited: boolean, now: number): void {
    const table = this.#table;
    const total = this.of(fd, now) + cost;
    const last = table.meanCost(fd) / 1000;
    const mean = last === 0 ? cost : last + (cost - last) * NEWEST;
    table.setCost(fd, microseconds(total), sharedTime(now), microseconds(mean));
    const isKnown = isExpensive(table.kind(fd)) && cost < TELLING_MS;
    if (total >= EXPENSIVE_MS && !isKnown) table.setKind(fd, waited ? BLOCKING : COMPUTING);
  }

  /** The same for a message that is not over, whose cost is charged when it is. */
  foresee(fd: number, block: Block, now: number): void {
    if (this.of(fd, now) + costOf(block) >= EXPENSIVE_MS) this.#table.setKind(fd, block.waited ? BLOCKING : COMPUTING);
  }

  /** Makes a client light again that has cost next to nothing lately; false: it has not. */
  forgive(fd: number, now: number): boolean {
    if (this.of(fd, now) >= LIGHT_AGAIN_MS) return false;
    this.#table.setKind(fd, LIGHT);
    return true;
  }

  /** Of a client whose first message is not charged yet nothing is known. */
  isBrief(fd: number): boolean {
    const mean = this.#table.meanCost(fd);
    return mean > 0 && mean < BRIEF_MS * 1000;
  }
}

/** The name of the account of `address`, 16 bytes: an IPv4 address has its own, IPv6 addresses have one for each /64. */
export function addressKey(address: Uint8Array): string {
  return String.fromCharCode(...(isMapped(address) ? address.subarray(12) : address.subarray(0, 8)));
}

/** A 32-bit word holds 35 minutes of them, more than a client can ever have on its account. */
function microseconds(milliseconds: number): number {
  return Math.min(2 ** 31 - 1, Math.round(milliseconds * 1000));
}

export class AddressCosts {
  readonly #table: ConnectionTable;
  readonly #accounts = new Map<string, { cost: number; at: number }>();

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  /** The name of the client's account. */
  keyOf(fd: number): string {
    return addressKey(this.#table.address(fd));
  }

  /** See `rankOf`. */
  rank(key: string): number {
    const account = this.#accounts.get(key);
    return account === undefined ? Number.NEGATIVE_INFINITY : rankOf(account.cost, account.at);
  }

  /** What the clients of an address have cost, in ms. */
  of(key: string, now: number): number {
    const account = this.#accounts.get(key);
    return account === undefined ? 0 : decayed(account.cost, now - account.at);
  }

  charge(key: string, cost: number, now: number): void {
    const total = this.of(key, now) + cost;
    this.#accounts.set(key, { cost: total, at: now });
    if (this.#accounts.size > MOST_ADDRESSES) this.#forget(now);
  }

  /** Whether a newcomer from there is taken to be like those that came from there before it. */
  isBlamed(key: string, now: number): boolean {
    return this.of(key, now) >= BLAMED_MS;
  }

  /** Drops the cheaper half. */
  #forget(now: number): void {
    const byCost = [...this.#accounts.keys()].sort((a, b) => this.of(a, now) - this.of(b, now));
    for (const key of byCost.slice(0, MOST_ADDRESSES >> 1)) this.#accounts.delete(key);
  }
}
