import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedBuffer, MemoryBlocks } from '../../../src/connection/bytes/saved-bytes.ts';
import { Outbox } from '../../../src/connection/bytes/outbox.ts';
import { Arena } from '../../../src/sharing/arena.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { EAGAIN, EPIPE } from '../../../src/sys/errno.ts';
import { FakeKernel } from '../../support/fake-kernel.ts';
import { flakySys } from '../../support/flaky-sys.ts';

const kernel = new FakeKernel(ConnectionTable.create(1));

/** A socket that takes so many bytes at each call; 0: none for now. `received` is what it took. */
function socket(takes: () => number) {
  let received = '';
  const sys = new Proxy(kernel, {
    get(target, name) {
      if (name !== 'send') return Reflect.get(target, name) as unknown;
      return (_fd: number, memory: { bytes: Buffer }, offset: number, length: number): number => {
        const count = Math.min(length, takes());
        received += memory.bytes.toString('latin1', offset, offset + count);
        return count === 0 ? EAGAIN : count;
      };
    },
  });
  return { sys, received: () => received };
}

const chunkLengths = fc.array(fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 15_000, max: 20_000 })), {
  maxLength: 8,
});

/** More than all chunks together ask for at once: 160,000 bytes are doubled when they grow, while the old block is still taken. */
const ROOM = 1 << 20;

/** Chunks that differ, so that order shows. */
function chunksOf(lengths: readonly number[]): Buffer[] {
  return lengths.map((length, index) => Buffer.alloc(length, String.fromCharCode(65 + index)));
}

const counts = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 5000 })), { minLength: 1, maxLength: 20 });
const whenToMove = fc.array(fc.boolean(), { minLength: 1 });

/**
 * Sends chunks to a socket that takes `takes`, from one thread after the other as `moves` says, and expects every byte
 * once and in order, and an arena with nothing in it at the end. Gives how often it found no room to move.
 */
function expectSent(arena: Arena, lengths: readonly number[], takes: readonly number[], moves: readonly boolean[]) {
  const blocks = new MemoryBlocks(kernel, arena, 0);
  const scratch = kernel.allocate(1 << 16);
  const chunks = chunksOf(lengths);
  let call = 0;
  const to = socket(() => (call > 200 ? 1 << 20 : (takes[call++ % takes.length] as number)));
  let outbox = new Outbox();
  let stays = 0;
  chunks.forEach((chunk, index) => {
    outbox.push(chunk);
    outbox.flush(to.sys, 5, scratch);
    if (!moves[index % moves.length] || outbox.length === 0) return;
    // What it was on one thread is opened on another.
    const saved = outbox.spill(blocks)?.saved;
    if (saved === undefined) stays++;
    else outbox = new Outbox(SharedBuffer.open(blocks, saved));
  });
  for (let rounds = 0; outbox.length > 0 && rounds < 500; rounds++) outbox.flush(to.sys, 5, scratch);
  expect(to.received()).toBe(Buffer.concat(chunks).toString('latin1'));
  expect([outbox.length, arena.used]).toEqual([0, 0]);
  return stays;
}

describe('Outbox', () => {
  it('sends every byte once and in order, however little the kernel takes and whenever it moves', () => {
    fc.assert(
      fc.property(chunkLengths, counts, whenToMove, (lengths, takes, moves) => {
        expect(expectSent(Arena.create(ROOM), lengths, takes, moves)).toBe(0);
      }),
      {
        numRuns: 60,
        // Nothing is sent until all of it has to grow past a quarter of the arena.
        examples: [
          [[15_000, 15_000, 15_000, 17_189, 17_356, 16_874, 15_289, 19_365], [0], [false, false, true, false, false]],
        ],
      },
    );
  });

  it('does so from where it is when the arena has no room for it, or none any more', () => {
    const sizes = fc.constantFrom(1 << 10, 1 << 15);
    let stays = 0;
    fc.assert(
      fc.property(sizes, chunkLengths, counts, whenToMove, (size, lengths, takes, moves) => {
        stays += expectSent(Arena.create(size), lengths, takes, moves);
      }),
      {
        numRuns: 60,
        examples: [
          [1 << 10, [20_000, 300], [0], [true]],
          // The first is kept in the arena, and grows out of it with the second.
          [1 << 10, [300, 20_000, 10], [0], [true]],
        ],
      },
    );
    expect(stays).toBeGreaterThanOrEqual(4);
  });

  it('says how much was sent, and what broke', () => {
    const outbox = new Outbox();
    outbox.push(Buffer.from('12345'));
    const scratch = kernel.allocate(64);
    const results = [3, EAGAIN, EPIPE];
    const { sys } = flakySys(kernel, { send: results });
    expect([outbox.flush(sys, 5, scratch), outbox.length]).toEqual([3, 2]);
    expect([outbox.flush(sys, 5, scratch), outbox.length]).toEqual([0, 2]);
    expect(outbox.flush(sys, 5, scratch)).toBe(EPIPE);
  });

  it('puts small chunks into one send, and sends a long one from where it lies', () => {
    const outbox = new Outbox();
    for (const chunk of chunksOf([10, 20, 20_000, 5])) outbox.push(chunk);
    const flaky = flakySys(kernel, { send: [30, 20_000, 5] });
    expect(outbox.flush(flaky.sys, 5, kernel.allocate(1 << 16))).toBe(20_035);
    expect(flaky.calls('send').map(([, , offset, length]) => [offset, length])).toEqual([
      [0, 30],
      [0, 20_000],
      [0, 5],
    ]);
  });

  it('gives its memory back when it is dropped', () => {
    const arena = Arena.create(1 << 16);
    const outbox = new Outbox();
    outbox.push(Buffer.from('unsent'));
    outbox.spill(new MemoryBlocks(kernel, arena, 0));
    expect(arena.used).toBe(256);
    outbox.clear();
    expect(arena.used).toBe(0);
  });

  it('stays where it is when it is more than the largest block', () => {
    const arena = Arena.create(1 << 16);
    const outbox = new Outbox();
    outbox.push(Buffer.alloc(16 * 2 ** 20 + 1));
    expect(outbox.spill(new MemoryBlocks(kernel, arena, 0))).toBeUndefined();
  });
});
