import { expect, it } from 'vitest';
import { ArenaCleaner } from '../../src/supervisor/arena-cleaner.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { sys } from '../support/loopback.ts';

const MIB = 2 ** 20;

/** An arena of 16 MiB, and how many bytes were given back. */
function cleaning() {
  const arena = Arena.create(16 * MIB);
  let released = 0;
  const cleaner = new ArenaCleaner(arena, {
    wrap: (bytes) => sys.wrap(bytes),
    releasePages(memory, offset, length) {
      released += length;
      return sys.releasePages(memory, offset, length);
    },
  });
  let now = 0;
  const look = (): number => {
    released = 0;
    cleaner.look((now += 1000));
    return released;
  };
  return { arena, look };
}

it('gives memory back when much less is in use than before, once', () => {
  const { arena, look } = cleaning();
  const blocks = Array.from({ length: 8 }, () => arena.allocate(MIB, 0));
  for (const block of blocks) arena.bytes.fill(1, arena.offset(block), arena.offset(block) + MIB);
  expect(look()).toBe(0);
  for (const block of blocks.slice(2)) arena.free(block);
  expect(look()).toBeGreaterThanOrEqual(6 * MIB);
  expect(look()).toBe(0);
  for (const block of blocks.slice(0, 2)) expect(arena.bytes[arena.offset(block) + 5]).toBe(1);
});

it('gives nothing back while most of it stays in use, or if it was little', () => {
  const { arena, look } = cleaning();
  const little = arena.allocate(MIB, 0);
  look();
  arena.free(little);
  expect(look()).toBe(0);
  const blocks = Array.from({ length: 8 }, () => arena.allocate(MIB, 0));
  look();
  for (const block of blocks.slice(5)) arena.free(block);
  expect(look()).toBe(0);
});
