import { describe, expect, it } from 'vitest';
import { Input } from '../../src/connection/input.ts';
import { Reader } from '../../src/connection/bytes/reader.ts';
import { MemoryBlocks, SharedBuffer } from '../../src/connection/bytes/saved-bytes.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { EPOLLIN, EPOLLRDHUP } from '../../src/sys/constants.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import type { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

const FD = 5;
const kernel = new FakeKernel(ConnectionTable.create(8));

/** An input whose reads take the bytes of `pieces`, one piece a call; `0` is the end of the stream. */
function inputOf(pieces: (string | 0)[], parts: { isUnix?: boolean; size?: number; arena?: Arena } = {}) {
  const { arena = Arena.create(1 << 16), isUnix = false, size = 64 } = parts;
  const blocks = new MemoryBlocks(kernel, arena, 0);
  const sys = {
    recv(_fd: number, memory: NativeBuffer, offset: number, length: number): number {
      const [piece, ...later] = pieces;
      if (piece === undefined) return EAGAIN;
      if (piece === 0) return 0;
      pieces = piece.length > length ? [piece.slice(length), ...later] : later;
      return memory.bytes.write(piece.slice(0, length), offset, 'latin1');
    },
  };
  const reader = new Reader({ sys, input: kernel.allocate(size), row: ThreadBoard.create(1).row(0), blocks });
  const text = (): string => reader.bytes.toString('latin1', reader.from, reader.to);
  return { arena, blocks, input: new Input(reader, FD, isUnix, undefined), reader, text };
}

describe('what an input knows of the kernel', () => {
  it('is that all was read, after a read that took less than there was room for', () => {
    const { input, text } = inputOf(['hello']);
    input.noteReadable(EPOLLIN);
    expect(input.isUnread).toBe(true);
    expect([input.read(), text()]).toEqual([5, 'hello']);
    expect([input.isUnread, input.isClear]).toEqual([false, true]);
  });

  it('is that more may be there, after a read that took all that there was room for', () => {
    const { input } = inputOf(['x'.repeat(64), 'y']);
    input.noteReadable(EPOLLIN);
    expect([input.read(), input.isUnread]).toEqual([64, true]);
    expect([input.read(), input.isUnread]).toEqual([1, false]);
  });

  it('is that more may be there until a read finds nothing, after an event that tells of the end of the stream', () => {
    const { input } = inputOf(['bye', 0]);
    input.noteReadable(EPOLLIN | EPOLLRDHUP);
    expect([input.read(), input.isUnread]).toEqual([3, true]);
    expect([input.read(), input.isUnread]).toEqual([0, false]);
  });

  it('is the same after any event of a Unix socket, where a read may end early', () => {
    const { input } = inputOf(['part', 'rest'], { isUnix: true });
    input.noteReadable(EPOLLIN);
    expect([input.read(), input.isUnread]).toEqual([4, true]);
    expect([input.read(), input.isUnread]).toEqual([4, true]);
    expect([input.read(), input.isUnread]).toEqual([EAGAIN, false]);
  });

  it('is that anything may be there, when no event has told', () => {
    const { input } = inputOf(['a']);
    input.noteMaybeReadable();
    expect([input.read(), input.isUnread]).toEqual([1, true]);
    input.noteAllRead();
    expect(input.isUnread).toBe(false);
  });
});

describe('what nobody took', () => {
  it('is kept from the byte where taking stopped, and comes before what is read next', () => {
    const { input, text, reader } = inputOf(['one\ntw', 'o\n']);
    input.noteReadable(EPOLLIN);
    input.read();
    input.keep(reader.from + 4);
    expect([input.isTaken, input.isClear]).toEqual([false, false]);
    input.noteReadable(EPOLLIN);
    input.read();
    expect(text()).toBe('two\n');
  });

  it('is found again without a read', () => {
    const { input, text, reader } = inputOf(['left']);
    expect(input.rest()).toBe(false);
    input.read();
    input.keep(reader.from);
    reader.from = reader.to = 0; // The reader has read for another client.
    expect([input.rest(), text()]).toEqual([true, 'left']);
  });

  it('remembers how much of it a decoder has looked at', () => {
    const { input, reader } = inputOf(['no end']);
    input.read();
    reader.scanned = 6;
    input.keep(reader.from);
    reader.scanned = 0;
    input.rest();
    expect([reader.scanned, input.scanned]).toEqual([6, 6]);
  });

  it('is gone when all of it was taken, and its memory is free', () => {
    const { arena, input, reader } = inputOf(['half', ' done']);
    input.read();
    input.keep(reader.from);
    expect(arena.used).toBeGreaterThan(0);
    input.read();
    input.keep(reader.to);
    expect([input.isTaken, arena.used]).toEqual([true, 0]);
  });

  it('gives its memory back when it is dropped, once', () => {
    const { arena, input, reader } = inputOf(['half']);
    input.read();
    input.keep(reader.from);
    input.drop();
    input.drop();
    expect([input.isTaken, input.allocated, arena.used]).toEqual([true, 0, 0]);
  });

  it('can be opened on another thread from what is saved', () => {
    const { blocks, input, reader, text } = inputOf(['half a mess']);
    input.read();
    input.keep(reader.from + 5);
    const { saved } = input;
    if (saved === undefined) throw new Error('nothing is saved');
    const moved = new Input(reader, FD, false, SharedBuffer.open(blocks, saved));
    expect([moved.isTaken, moved.rest(), text()]).toEqual([false, true, 'a mess']);
    expect([input.allocated > 0, input.allocatedHere]).toEqual([true, 0]);
  });

  it('cannot move where the arena has no room for it', () => {
    const { input, reader } = inputOf(['x'.repeat(1500)], { arena: Arena.create(1 << 10), size: 1 << 12 });
    input.read();
    input.keep(reader.from);
    expect([input.isTaken, input.saved, input.allocatedHere]).toEqual([false, undefined, 1500]);
  });
});
