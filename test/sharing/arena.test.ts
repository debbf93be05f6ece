import assert from 'node:assert/strict';
import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/sharing/arena.ts';
import { runWorker } from '../support/test-worker.ts';

const SIZE = 1 << 16;
const LARGE = 1 << 22;
const SMALLEST = 256;
/** What an arena of up to 20 units keeps for itself. */
const HEADER = 2 * SMALLEST;

interface Held {
  readonly block: number;
  readonly capacity: number;
  readonly mark: number;
}

/** Allocates and fills with a mark; `undefined`: the arena is full. */
function take(arena: Arena, size: number, mark: number): Held | undefined {
  const block = arena.allocate(size, 0);
  if (block === 0) return undefined;
  const capacity = Arena.capacity(size);
  const at = arena.offset(block);
  arena.bytes.fill(mark, at, at + capacity);
  return { block, capacity, mark };
}

function expectUntouched(arena: Arena, { block, capacity, mark }: Held): void {
  const at = arena.offset(block);
  expect(at + capacity).toBeLessThanOrEqual(arena.bytes.length);
  expect(arena.bytes.subarray(at, at + capacity).every((byte) => byte === mark)).toBe(true);
}

function freeAll(arena: Arena, blocks: readonly Held[]): void {
  for (const { block } of blocks) arena.free(block);
}

/** The arena as a row of units in use; looks for room by trying each place. */
class Units {
  readonly blocks: { readonly block: number; readonly units: number }[] = [];
  readonly #arena: Arena;
  readonly #inUse = new Set<number>();
  readonly #first: number;
  readonly #size: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#size = arena.size / SMALLEST;
    this.#first = arena.buffer.byteLength / SMALLEST - this.#size;
  }

  allocate(size: number): void {
    const units = Arena.capacity(size) / SMALLEST;
    const block = this.#arena.allocate(size, 0);
    assert.equal(block !== 0, this.#hasRoom(units));
    if (block === 0) return;
    assert.equal((block - this.#first) % units, 0);
    this.blocks.push({ block, units });
    for (let unit = block; unit < block + units; unit++) {
      assert(!this.#inUse.has(unit));
      this.#inUse.add(unit);
    }
    assert.equal(this.#arena.used, this.#inUse.size * SMALLEST);
  }

  free(index: number): void {
    for (const { block, units } of this.blocks.splice(index, 1)) {
      this.#arena.free(block);
      for (let unit = block; unit < block + units; unit++) this.#inUse.delete(unit);
    }
  }

  /** Whether a place that begins at a multiple of `units` is all free. */
  #hasRoom(units: number): boolean {
    if (units > 16 && this.#inUse.size + units > (this.#size * 3) / 4) return false;
    for (let block = this.#first; block + units <= this.#first + this.#size; block += units) {
      if (Array.from({ length: units }, (_, unit) => block + unit).every((unit) => !this.#inUse.has(unit))) return true;
    }
    return false;
  }
}

describe('Arena', () => {
  it('gives nobody a byte of another block, in any order of taking and giving back', () => {
    const size = fc.oneof(fc.nat({ max: 600 }), fc.nat({ max: SIZE }));
    const step = fc.record({ size, free: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const arena = Arena.create(SIZE);
        const blocks: Held[] = [];
        steps.forEach((each, index) => {
          if (each.free && blocks.length > 0) freeAll(arena, blocks.splice(each.which % blocks.length, 1));
          else {
            const held = take(arena, each.size, (index % 255) + 1);
            if (held !== undefined) blocks.push(held);
          }
          for (const held of blocks) expectUntouched(arena, held);
          expect(arena.used).toBe(blocks.reduce((sum, { capacity }) => sum + capacity, 0));
        });
        freeAll(arena, blocks);
        expect(arena.used).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('gives a block of at least what was asked for, a power of two', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1 << 24 }), (size) => {
        const capacity = Arena.capacity(size);
        expect(capacity).toBeGreaterThanOrEqual(Math.max(size, SMALLEST));
        expect(capacity).toBeLessThan(Math.max(2 * size, SMALLEST + 1));
        expect(capacity & (capacity - 1)).toBe(0);
      }),
    );
  });

  it('gives a block that was given back to the next who asks for that size', () => {
    const arena = Arena.create(SIZE);
    const first = arena.allocate(1000, 0);
    const second = arena.allocate(1000, 0);
    arena.free(first);
    arena.free(second);
    expect(new Set([arena.allocate(600, 0), arena.allocate(1024, 0)])).toEqual(new Set([first, second]));
  });

  it('splits a larger block when there is no other, and joins its parts again', () => {
    const arena = Arena.create(4 * SMALLEST + HEADER);
    const blocks = [256, 512, 256].map((size) => arena.allocate(size, 0));
    expect(blocks).not.toContain(0);
    expect(arena.allocate(1, 0)).toBe(0);
    expect(arena.used).toBe(1024);
    for (const block of blocks) arena.free(block);
    expect(arena.allocate(1024, 0)).not.toBe(0);
  });

  it('has 1 MiB in one piece once all was given back, whatever was taken before', () => {
    const size = fc.oneof(fc.nat({ max: 600 }), fc.nat({ max: 60_000 }));
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 1, maxLength: 200, size: 'max' }),
        fc.infiniteStream(fc.nat()),
        (sizes, order) => {
          const arena = Arena.create(LARGE);
          const blocks = sizes.map((each) => arena.allocate(each, 0)).filter((block) => block !== 0);
          while (blocks.length > 0)
            for (const block of blocks.splice((order.next().value ?? 0) % blocks.length, 1)) arena.free(block);
          expect(arena.used).toBe(0);
          expect(arena.allocate(1 << 20, 0)).not.toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps its last quarter for blocks of up to 4 KiB', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 4097, max: 60_000 }), { minLength: 60, maxLength: 100, size: 'max' }),
        (sizes) => {
          const arena = Arena.create(LARGE);
          const large = sizes.concat(Array(500).fill(4097)).map((each) => arena.allocate(each, 0));
          expect(large.at(-1)).toBe(0);
          expect(arena.used).toBeLessThanOrEqual((arena.size * 3) / 4);
          const count = Math.floor(arena.size / 4 / 4096);
          const small = Array.from({ length: count }, () => arena.allocate(4096, 0));
          expect(small).not.toContain(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has only free blocks cleaned, each once until it was in use again, and loses none', () => {
    const step = fc.record({ size: fc.nat({ max: 300_000 }), what: fc.nat({ max: 9 }), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const arena = Arena.create(LARGE);
        const blocks: Held[] = [];
        for (const { size, what, which } of steps) {
          if (what === 0) arena.clean((offset, length) => void arena.bytes.fill(0, offset, offset + length));
          else if (what < 4 && blocks.length > 0) freeAll(arena, blocks.splice(which % blocks.length, 1));
          else {
            const held = take(arena, size, (which % 255) + 1);
            if (held !== undefined) blocks.push(held);
          }
        }
        for (const held of blocks) expectUntouched(arena, held);
        freeAll(arena, blocks);
        arena.clean(() => {});
        let again = 0;
        arena.clean(() => again++);
        expect([again, arena.used]).toEqual([0, 0]);
        expect(arena.allocate(1 << 20, 0)).not.toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('agrees with a model in which each unit says whether it is in use', () => {
    const step = fc.record({
      size: fc.oneof(fc.nat({ max: 600 }), fc.nat({ max: 20_000 })),
      free: fc.boolean(),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const arena = Arena.create(SIZE);
        const model = new Units(arena);
        for (const { size, free, which } of steps) {
          if (free && model.blocks.length > 0) model.free(which % model.blocks.length);
          else model.allocate(size);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has all but the blocks in use after a thread has ended inside its lock, at any store', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 9000 }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        fc.nat(),
        (sizes, seed, at) => {
          const arena = Arena.create(SIZE);
          const blocks = sizes.map((size) => arena.allocate(size, 0)).filter((block) => block !== 0);
          const kept = blocks.filter((_, index) => (seed >> (index % 31)) & 1);
          for (const block of blocks.filter((each) => !kept.includes(each))) arena.free(block);
          const { used } = arena;
          const words = new Int32Array(arena.buffer, 0, 256);
          arena.lock.enter();
          // What it was doing is half done: a list's head, and the count, say what is not so.
          words[4 + (at % 17)] = 1;
          words[2] = -7;
          expect(arena.releaseFor(threadId)).toBe(true);
          expect(arena.used).toBe(used);
          for (const block of kept) arena.free(block);
          expect(arena.used).toBe(0);
          expect(arena.allocate(32_768, 0)).not.toBe(0);
        },
      ),
    );
  });

  it('frees what a thread had that is gone, not what lies in slots or belongs to others', () => {
    const arena = Arena.create(SIZE);
    const [left, kept, claimed, others] = [
      arena.allocate(300, 3),
      arena.allocate(5000, 3),
      arena.allocate(1, 4),
      arena.allocate(1, 5),
    ];
    arena.leave(left);
    arena.leave(claimed);
    arena.claim(claimed, 3);
    arena.reclaim(3);
    expect(arena.used).toBe(512 + 256);
    expect(new Set([arena.allocate(5000, 6), arena.allocate(1, 6)])).toEqual(new Set([kept, claimed]));
    arena.free(left);
    arena.reclaim(5);
    arena.reclaim(6);
    expect(arena.used).toBe(0);
    expect(others).not.toBe(0);
  });

  it('says that it is full, and has room again when something is given back', () => {
    const arena = Arena.create(2 * SMALLEST + HEADER);
    const [one, other] = [arena.allocate(1, 0), arena.allocate(1, 0)];
    expect([one === 0, other === 0, arena.allocate(1, 0)]).toEqual([false, false, 0]);
    expect(arena.used).toBe(2 * SMALLEST);
    arena.free(one);
    expect(arena.allocate(1, 0)).toBe(one);
  });

  it('has no block for more than the largest', () => {
    const arena = Arena.create(SIZE);
    expect([arena.allocate((1 << 24) + 1, 0), arena.allocate(2 ** 31, 0), arena.used]).toEqual([0, 0, 0]);
  });

  it('is one arena for all that have its buffer', () => {
    const arena = Arena.create(SIZE);
    const block = arena.allocate(300, 0);
    const other = new Arena(arena.buffer);
    expect(other.used).toBe(512);
    expect(other.allocate(300, 0)).not.toBe(block);
    other.free(block);
    expect(arena.used).toBe(512);
  });

  it('gives several threads at once blocks of their own', async () => {
    const arena = Arena.create(1 << 15);
    const body = `
      const { Arena } = await load('sharing/arena.ts');
      const arena = new Arena(data.buffer);
      const held = [];
      let wrong = 0;
      let seed = data.mark;
      for (let times = 0; times < 5000; times++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 1;
        const size = 1 + (seed >> 8) % 2000;
        const block = held.length < 4 ? arena.allocate(size, 0) : 0;
        if (block !== 0) {
          const [from, capacity] = [arena.offset(block), Arena.capacity(size)];
          arena.bytes.fill(data.mark, from, from + capacity);
          held.push({ block, from, capacity });
        } else if (held.length > 0) {
          const { block, from, capacity } = held.shift();
          if (!arena.bytes.subarray(from, from + capacity).every((byte) => byte === data.mark)) wrong++;
          arena.free(block);
        }
      }
      for (const { block } of held) arena.free(block);
      post(wrong);`;
    const wrong = await Promise.all([1, 2, 3].map((mark) => runWorker<number>(body, { buffer: arena.buffer, mark })));
    expect(wrong).toEqual([0, 0, 0]);
    expect(arena.used).toBe(0);
  });
});
