import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedBuffer, MemoryBlocks } from '../../../src/connection/bytes/saved-bytes.ts';
import { Arena } from '../../../src/sharing/arena.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { FakeKernel } from '../../support/fake-kernel.ts';

const kernel = new FakeKernel(ConnectionTable.create(1));

function blocks(size = 1 << 16) {
  const arena = Arena.create(size);
  return { arena, its: new MemoryBlocks(kernel, arena, 0) };
}

const bytesOf = (kept: SharedBuffer): string => kept.memory.bytes.toString('latin1', kept.from, kept.to);

describe('Kept', () => {
  it('has the bytes that were appended and not taken, however they come', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 400 });
    const step = fc.oneof(
      fc.record({ append: text }),
      fc.record({ take: fc.nat({ max: 300 }) }),
      fc.record({ reserve: fc.nat({ max: 2000 }) }),
      fc.record({ replace: text }),
    );
    fc.assert(
      fc.property(text, fc.array(step, { maxLength: 30 }), fc.constantFrom(1 << 16, 1024), (first, steps, size) => {
        const { arena, its } = blocks(size);
        const kept = SharedBuffer.copy(its, Buffer.from(first), 0, first.length);
        let model = first;
        for (const each of steps) {
          if ('append' in each) {
            kept.append(Buffer.from(`<${each.append}>`), 1, each.append.length + 1);
            model += each.append;
          } else if ('take' in each) {
            const count = Math.min(each.take, model.length);
            kept.start += count;
            model = model.slice(count);
          } else if ('reserve' in each) {
            kept.reserve(each.reserve);
            expect(kept.room).toBeGreaterThanOrEqual(each.reserve);
          } else {
            kept.replace(Buffer.from(each.replace), 0, each.replace.length);
            model = each.replace;
          }
          expect([bytesOf(kept), kept.length]).toEqual([model, model.length]);
        }
        kept.free();
        expect(arena.used).toBe(0);
      }),
    );
  });

  it('is found again by another thread through what the table says', () => {
    const { arena, its } = blocks();
    const table = ConnectionTable.create(2);
    const kept = SharedBuffer.copy(its, Buffer.from('--half a mess--'), 2, 13);
    kept.start += 5;
    table.save(1, kept.saved, 6, undefined);
    const there = new ConnectionTable(table.buffer);
    const saved = there.inbox(1);
    if (saved === undefined) throw new Error('there is nothing');
    const opened = SharedBuffer.open(new MemoryBlocks(kernel, new Arena(arena.buffer), 0), saved);
    expect([bytesOf(opened), there.scanned(1), there.outbox(1)]).toEqual(['a mess', 6, undefined]);
    opened.append(Buffer.from('age'), 0, 3);
    expect(bytesOf(opened)).toBe('a message');
    opened.free();
    expect(arena.used).toBe(0);
  });

  it('cannot move when the arena had no room', () => {
    const { arena, its } = blocks(512);
    const kept = SharedBuffer.copy(its, Buffer.alloc(600, 'x'), 0, 600);
    expect([kept.saved, bytesOf(kept), arena.used]).toEqual([undefined, 'x'.repeat(600), 0]);
    kept.free();
    expect(arena.used).toBe(0);
  });

  it('gives the old memory back when it grows, whichever kind that was', () => {
    const { arena, its } = blocks(2048);
    const kept = SharedBuffer.copy(its, Buffer.alloc(200, 'x'), 0, 200);
    kept.append(Buffer.alloc(500, 'y'), 0, 500);
    expect(arena.used).toBe(1024);
    kept.append(Buffer.alloc(5000, 'z'), 0, 5000);
    expect([arena.used, kept.saved]).toEqual([0, undefined]);
    expect(bytesOf(kept)).toBe(`${'x'.repeat(200)}${'y'.repeat(500)}${'z'.repeat(5000)}`);
  });
});
