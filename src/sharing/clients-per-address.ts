/** Counts the clients of each address, whoever lets them in and whoever closes them: nobody reports that a client has left. */
import { isMapped } from '../ip-address.ts';
import { BriefLock } from './brief-lock.ts';
import type { ConnectionTable } from './connection-table.ts';
import { CLOSING, FREE, stateOf } from './control-word.ts';

/*
 * Each fd has an entry, and the entries of addresses with the same hash are a list. An entry is stale when its client
 * has left, which its slot shows; it is taken out of its list when that list is looked at, or when its fd is used
 * again. So there are never more entries than there were clients at once.
 *
 * A thread may end at any step: an entry is filled in before it is in a list, and says that it is in one until it is out.
 */

// Words of the header. LOCK takes two; then comes the first entry of each list, as fd + 1.
const LOCK = 0;
const HEADS = 2;
const LISTS = 2 ** 14;
const ENTRIES = HEADS + LISTS;

// Words of an entry.
const NEXT = 0; // fd + 1; 0: it is the last of its list
const LIST = 1; // the number of its list + 1; 0: it is in none
const WORD = 2; // the control word of its slot when it was made
const FAMILY = 3;
const KEY = 4; // and 5
const ENTRY_WORDS = 8;

/** What counts as one address: all of an IPv4 address; of IPv6 a /64, which is the least that one customer or machine has. */
interface Key {
  readonly family: number;
  readonly first: number;
  readonly second: number;
}

export class ClientsPerAddress {
  readonly buffer: SharedArrayBuffer;
  readonly lock: BriefLock;
  readonly #table: ConnectionTable;
  readonly #words: Int32Array;

  /** `stuck` is called when a thread does not give the lock back: then clients are let in and not counted. */
  constructor(buffer: SharedArrayBuffer, table: ConnectionTable, stuck?: () => void) {
    this.buffer = buffer;
    this.lock = new BriefLock(buffer, LOCK * 4, stuck);
    this.#words = new Int32Array(buffer);
    this.#table = table;
  }

  /** Makes room for the clients of `table`. Untouched entries take no memory. */
  static create(table: ConnectionTable): ClientsPerAddress {
    return new ClientsPerAddress(new SharedArrayBuffer((ENTRIES + table.capacity * ENTRY_WORDS) * 4), table);
  }

  /**
   * Counts the client of `fd` at `address` (16 bytes), if that has fewer than `most`; false: it has not. The slot of `fd` is
   * free, and the client about to be admitted to it, or the caller has it.
   */
  add(fd: number, address: Uint8Array, most: number): boolean {
    const key = keyOf(address);
    const list = hash(key) % LISTS;
    return this.lock.run(true, () => {
      this.#remove(fd);
      const fits = this.#count(list, key) < most;
      if (fits) this.#insert(fd, list, key);
      return fits;
    });
  }

  /** Takes note that `fd` is another client's from now on, whose address is not known yet. */
  forget(fd: number): void {
    if (this.#words[this.#at(fd) + LIST] === 0) return;
    this.lock.run(undefined, () => this.#remove(fd));
  }

  /** Counts the clients of `key`, and takes stale entries out of their list. */
  #count(list: number, { family, first, second }: Key): number {
    const words = this.#words;
    let count = 0;
    let link = HEADS + list;
    for (let fd = this.#linked(link); fd >= 0; fd = this.#linked(link)) {
      const at = this.#at(fd);
      if (this.#isStale(fd, at)) {
        this.#unlink(link, at);
        continue;
      }
      if (words[at + KEY] === first && words[at + KEY + 1] === second && words[at + FAMILY] === family) count++;
      link = at + NEXT;
    }
    return count;
  }

  #insert(fd: number, list: number, { family, first, second }: Key): void {
    const words = this.#words;
    const at = this.#at(fd);
    words[at + WORD] = this.#table.word(fd);
    words[at + FAMILY] = family;
    words[at + KEY] = first;
    words[at + KEY + 1] = second;
    words[at + NEXT] = words[HEADS + list] as number;
    words[at + LIST] = list + 1;
    words[HEADS + list] = fd + 1;
  }

  #remove(fd: number): void {
    const at = this.#at(fd);
    const list = (this.#words[at + LIST] as number) - 1;
    if (list < 0) return;
    let link = HEADS + list;
    for (let other = this.#linked(link); other >= 0 && other !== fd; other = this.#linked(link)) {
      link = this.#at(other) + NEXT;
    }
    if (this.#linked(link) === fd) this.#unlink(link, at);
    else this.#words[at + LIST] = 0;
  }

  #unlink(link: number, at: number): void {
    this.#words[link] = this.#words[at + NEXT] as number;
    this.#words[at + LIST] = 0;
  }

  #linked(link: number): number {
    return (this.#words[link] as number) - 1;
  }

  /**
   * A client that is being closed was perhaps reported as closed. A slot that is free as it was when the entry was made is the one of a
   * client that is being admitted.
   */
  #isStale(fd: number, at: number): boolean {
    const word = this.#table.word(fd);
    return stateOf(word) === CLOSING || (stateOf(word) === FREE && word !== this.#words[at + WORD]);
  }

  #at(fd: number): number {
    return ENTRIES + fd * ENTRY_WORDS;
  }
}

function keyOf(address: Uint8Array): Key {
  const { buffer, byteOffset } = address;
  const view = new DataView(buffer, byteOffset, 16);
  if (isMapped(address)) return { family: 4, first: view.getInt32(12), second: 0 };
  return { family: 6, first: view.getInt32(0), second: view.getInt32(4) };
}

/** A hash of an address, as far as clients are counted by it, in 32 bits with a sign; nobody knows it who does not know `seed`. */
export function addressHash(address: Uint8Array, seed: number): number {
  return hash(keyOf(address), seed) | 0;
}

/** The same of a number. */
export function numberHash(value: number, seed: number): number {
  return hash({ family: 0, first: value | 0, second: Math.floor(value / 2 ** 32) | 0 }, seed) | 0;
}

/** FNV-1a over words, with the finisher of MurmurHash3. Without a seed anybody may make addresses meet in a list; then lists are longer. */
function hash({ family, first, second }: Key, seed = 0): number {
  let value = Math.imul(0x811c9dc5 ^ seed ^ family, 0x01000193);
  value = Math.imul(value ^ first, 0x01000193);
  value = Math.imul(value ^ second, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
