/** Holds the arena to a model: a row of units, in which each place is tried. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Arena } from '../../../src/sharing/arena.ts';
import { target } from '../target.ts';

const SIZE = 1 << 17;
const UNIT = 256;
/** Blocks of more bytes than this leave the last quarter alone. */
const RESERVE_FOR = 4096;
const THREADS = 3;

type Step =
  | { readonly do: 'take'; readonly size: number; readonly thread: number }
  | { readonly do: 'give' | 'leave'; readonly which: number }
  | { readonly do: 'claim'; readonly which: number; readonly thread: number }
  | { readonly do: 'reclaim'; readonly thread: number }
  | { readonly do: 'clean' };

const thread = fc.nat(THREADS - 1);
const which = fc.nat(200);
const size = fc.oneof(
  fc.nat(600),
  fc.nat(6000),
  fc.nat(SIZE),
  fc.constantFrom(0, 256, 257, 4096, 4097, 2 ** 24, 2 ** 25),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('take' as const), size, thread }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('give' as const, 'leave' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('claim' as const), which, thread }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reclaim' as const), thread }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clean' as const) }) },
);

interface Taken {
  readonly block: number;
  readonly capacity: number;
  readonly mark: number;
  /** A thread, or a slot. */
  owner: number | 'slot';
}

class Model {
  readonly #arena = Arena.create(SIZE);
  readonly #units = this.#arena.size / UNIT;
  readonly #first = this.#arena.buffer.byteLength / UNIT - this.#units;
  readonly #inUse = new Uint8Array(this.#units);
  #taken: Taken[] = [];
  #marks = 0;

  play(given: Step): void {
    if (given.do === 'take') this.#take(given.size, given.thread);
    else if (given.do === 'clean') this.#clean();
    else if (given.do === 'reclaim') this.#reclaim(given.thread);
    else this.#with(given.which, given);
    const used = this.#taken.reduce((sum, { capacity }) => sum + capacity, 0);
    assert.equal(this.#arena.used, used, 'what is in use');
  }

  /** All is given back: then all can be had in blocks as large as at the start. */
  end(): void {
    for (const { block } of this.#taken.splice(0).filter((each) => this.#intact(each))) this.#arena.free(block);
    assert.equal(this.#arena.used, 0, 'in use after all was given back');
    const fresh = Arena.create(SIZE);
    for (let bytes = 1 << 24; bytes >= UNIT; bytes /= 2) {
      for (let count = 0; ; count++) {
        const [should, is] = [fresh.allocate(bytes, 0), this.#arena.allocate(bytes, 0)];
        assert.equal(is !== 0, should !== 0, `${count} blocks of ${bytes} bytes after all was given back`);
        if (is === 0) break;
      }
    }
  }

  #take(bytes: number, owner: number): void {
    const block = this.#arena.allocate(bytes, owner);
    const capacity = Arena.capacity(bytes);
    assert.equal(block !== 0, this.#hasRoom(capacity), `room for ${bytes} bytes`);
    if (block === 0) return;
    assert(capacity >= bytes);
    assert(block >= this.#first && block * UNIT + capacity <= this.#arena.bytes.length, 'outside of the arena');
    const from = block - this.#first;
    assert(!this.#inUse.subarray(from, from + capacity / UNIT).includes(1), 'two blocks overlap');
    this.#inUse.fill(1, from, from + capacity / UNIT);
    const mark = (this.#marks++ % 255) + 1;
    this.#arena.bytes.fill(mark, block * UNIT, block * UNIT + capacity);
    this.#taken.push({ block, capacity, mark, owner });
  }

  #with(index: number, given: Step): void {
    const taken = this.#taken[index % Math.max(1, this.#taken.length)];
    if (taken === undefined) return;
    if (given.do === 'give') {
      this.#forget((each) => each === taken);
      this.#arena.free(taken.block);
    } else if (given.do === 'claim' && taken.owner === 'slot') {
      this.#arena.claim(taken.block, given.thread);
      taken.owner = given.thread;
    } else if (given.do === 'leave') {
      this.#arena.leave(taken.block);
      taken.owner = 'slot';
    }
  }

  #reclaim(owner: number): void {
    this.#arena.reclaim(owner);
    this.#forget((each) => each.owner === owner);
  }

  /** What is discarded is overwritten here: no block in use may be. */
  #clean(): void {
    this.#arena.clean((offset, length) => this.#arena.bytes.fill(0, offset, offset + length));
  }

  #forget(isGone: (taken: Taken) => boolean): void {
    for (const { block, capacity } of this.#taken.filter((each) => isGone(each) && this.#intact(each)))
      this.#inUse.fill(0, block - this.#first, block - this.#first + capacity / UNIT);
    this.#taken = this.#taken.filter((each) => !isGone(each));
  }

  #intact({ block, capacity, mark }: Taken): true {
    const bytes = this.#arena.bytes.subarray(block * UNIT, block * UNIT + capacity);
    assert(bytes.equals(Buffer.alloc(capacity, mark)), 'bytes of a block were changed');
    return true;
  }

  #hasRoom(capacity: number): boolean {
    const units = capacity / UNIT;
    const used = this.#inUse.reduce((sum, unit) => sum + unit, 0);
    if (capacity > RESERVE_FOR && used + units > (this.#units * 3) / 4) return false;
    for (let from = 0; from + units <= this.#units; from += units)
      if (!this.#inUse.subarray(from, from + units).includes(1)) return true;
    return false;
  }
}

export const arena = target(
  'arena',
  'the arena against a model: no overlap, nothing refused that fits, all joined when all is given back',
  fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
    const model = new Model();
    for (const each of steps) model.play(each);
    model.end();
  }),
);
