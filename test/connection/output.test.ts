import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeddleError } from '../../src/errors.ts';
import { CLOSED } from '../../src/connection/flags.ts';
import { Output } from '../../src/connection/output.ts';
import { ReplyBuffer } from '../../src/connection/bytes/reply-buffer.ts';
import { ReplyPages } from '../../src/connection/bytes/reply-pages.ts';
import { MemoryBlocks, SharedBuffer } from '../../src/connection/bytes/saved-bytes.ts';
import { createFraming } from '../../src/framing/framing.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { EAGAIN, EPIPE } from '../../src/sys/errno.ts';
import type { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

const FD = 5;
const KIB = 1024;
const kernel = new FakeKernel(ConnectionTable.create(8));

/** The connection of an output: it notes what it is told. */
class Owner {
  #flags = 0;
  readonly failures: number[] = [];
  readonly refused: number[] = [];
  is(flags: number): boolean {
    return (this.#flags & flags) !== 0;
  }
  set(flags: number): void {
    this.#flags |= flags;
  }
  readonly codec = { framing: createFraming('line', 1 << 20) };
  unset(flags: number): void {
    this.#flags &= ~flags;
  }
  sendFailed(errno: number): void {
    this.failures.push(errno);
    this.set(CLOSED);
  }
  serviceFailed(): void {}

  replyTooLong(length: number): void {
    this.refused.push(length);
  }
}

/** An output to a client that takes `window` bytes in all, or answers with an errno; what it got is `sent`. */
function outputOf({ unsent, maxUnsent = Infinity }: { unsent?: string; maxUnsent?: number } = {}) {
  const arena = Arena.create(1 << 20);
  const blocks = new MemoryBlocks(kernel, arena, 0);
  const client = { window: Infinity, sent: '', sends: 0 };
  const sys = {
    wrap: (bytes: Uint8Array) => kernel.wrap(bytes),
    send(_fd: number, memory: NativeBuffer, offset: number, length: number): number {
      client.sends++;
      if (client.window < 0) return client.window;
      const taken = Math.min(client.window, length);
      if (taken === 0) return EAGAIN;
      client.window -= taken;
      client.sent += memory.bytes.toString('latin1', offset, offset + taken);
      return taken;
    },
  };
  const input = kernel.allocate(64 * KIB);
  const replies = new ReplyBuffer(kernel.allocate(64 * KIB), input);
  const row = ThreadBoard.create(1).row(0);
  const memory = { pages: 0 };
  const pages = new ReplyPages({ allocate: (size) => (memory.pages++, kernel.allocate(size)) }, input);
  const context = { sys, row, blocks, input, pages, replies, borrowsReplies: false, settings: { maxUnsent } };
  const owner = new Owner();
  const kept = unsent === undefined ? undefined : SharedBuffer.copy(blocks, Buffer.from(unsent), 0, unsent.length);
  return { arena, blocks, client, input, memory, output: new Output(context, owner, FD, kept), owner, replies, row };
}

const gone = (): HeddleError => new HeddleError('HEDDLE_CLOSED', 'the client is gone');

describe('the replies of one read', () => {
  it('leave together, in order, and nothing is kept', () => {
    const { client, output } = outputOf();
    for (const reply of ['one', Buffer.from('two'), 'three']) output.reply(reply);
    expect(client.sends).toBe(0);
    output.flush();
    expect([client.sent, client.sends]).toEqual(['one\ntwo\nthree\n', 1]);
    expect([output.isSent, output.isClear, output.isBlocked]).toEqual([true, true, false]);
  });

  it('leave from the read buffer if they lie there, up to one that does not', () => {
    const { client, input, output } = outputOf();
    input.bytes.write('aaa\nbbb\n');
    expect([output.replyInPlace(0, 4), output.replyInPlace(4, 8)]).toEqual([true, true]);
    output.reply('ccc');
    output.flush();
    expect(client.sent).toBe('aaa\nbbb\nccc\n');
  });

  it('wait where the kernel takes only a part, and go on from the byte where it stopped', () => {
    const { client, output } = outputOf();
    client.window = 5;
    output.reply('12345678');
    output.flush();
    expect([client.sent, output.length, output.isBlocked, output.isSent]).toEqual(['12345', 4, true, false]);
    client.window = Infinity;
    output.flush();
    expect(client.sent).toBe('12345'); // Nobody has said that there is room.
    output.unblock();
    output.flush();
    expect([client.sent, output.isSent]).toEqual(['12345678\n', true]);
  });

  it('do not overtake what waits', () => {
    const { client, output } = outputOf();
    client.window = 2;
    output.reply('first');
    output.flush();
    output.reply('second');
    client.window = Infinity;
    output.unblock();
    output.flush();
    expect(client.sent).toBe('first\nsecond\n');
  });

  it('tell the connection what broke, once, and are not counted', () => {
    const { client, output, owner } = outputOf();
    client.window = EPIPE;
    output.reply('lost');
    output.flush();
    expect(owner.failures).toEqual([EPIPE]);
  });

  it('are taken out of the thread’s buffer for later', () => {
    const { client, output, replies } = outputOf();
    output.reply('later');
    output.stashReplies();
    expect([replies.length, output.isSent, client.sends]).toEqual([0, false, 0]);
    output.flush();
    expect(client.sent).toBe('later\n');
  });
});

describe('a message that a service sends', () => {
  it('leaves at once with `now`', async () => {
    const { client, output } = outputOf();
    await output.now('at once');
    expect(client.sent).toBe('at once\n');
  });

  it('waits alone for the flush with `later`, and needs no queue', async () => {
    const { client, output } = outputOf();
    await output.later('soon');
    expect([client.sent, output.isSent, output.isClear]).toEqual(['', false, true]);
    output.flush();
    expect([client.sent, output.isSent]).toEqual(['soon\n', true]);
  });

  it('keeps its place among others and behind replies', () => {
    const { client, output } = outputOf();
    output.reply('reply');
    void output.later('one');
    void output.later('two');
    output.flush();
    expect(client.sent).toBe('reply\none\ntwo\n');
  });

  it('leaves with others in one write, and takes no memory for each', () => {
    const { client, memory, output } = outputOf();
    for (let turns = 0; turns < 100; turns++) {
      for (const message of ['one', 'two', 'three']) void output.later(message);
      output.flush();
    }
    expect(client.sent).toBe('one\ntwo\nthree\n'.repeat(100));
    expect([client.sends, output.isClear, memory.pages]).toEqual([100, true, 1]);
  });

  it('gives its memory back when the kernel does not take it, and when the output is dropped', () => {
    const { client, memory, output } = outputOf();
    for (let turns = 0; turns < 10; turns++) {
      client.window = 5;
      void output.later('one');
      void output.later('two');
      output.flush();
      void output.later('three');
      client.window = Infinity;
      output.unblock();
      output.flush();
    }
    expect(client.sent).toBe('one\ntwo\nthree\n'.repeat(10));
    for (let turns = 0; turns < 10; turns++) {
      void output.later('lost');
      void output.later('lost');
      output.drop(gone);
    }
    expect([output.isSent, memory.pages]).toEqual([true, 1]);
  });

  it('keeps its place whatever its length, and however little the kernel takes', () => {
    const lengths = fc.integer({ min: 0, max: 6000 });
    const steps = fc.array(fc.tuple(fc.constantFrom('reply', 'later', 'later', 'now', 'flush', 'stash'), lengths));
    const takes = fc.array(fc.constantFrom(1, 100, 5000, Infinity), { minLength: 1 });
    fc.assert(
      fc.property(steps, takes, (all, windows) => {
        const { client, output, owner } = outputOf();
        let sent = '';
        all.forEach(([step, length], index) => {
          client.window = windows[index % windows.length] as number;
          output.unblock();
          const message = String.fromCharCode(97 + (index % 26)).repeat(length);
          if (step === 'flush') return output.flush();
          if (step === 'stash') return output.stashReplies();
          sent += `${message}\n`;
          if (step === 'reply') output.reply(message);
          else void output[step](message);
        });
        client.window = Infinity;
        output.unblock();
        output.flush();
        expect(client.sent).toBe(sent);
        expect([output.isSent, output.length, owner.failures]).toEqual([true, 0, []]);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('has its sender wait while much waits, until the client has taken it', async () => {
    const { client, output } = outputOf();
    client.window = 0;
    const sent = output.later('x'.repeat(100 * KIB));
    output.flush();
    let isDone = false;
    void sent.then(() => (isDone = true));
    await Promise.resolve();
    expect([isDone, output.isAwaited]).toEqual([false, true]);
    client.window = Infinity;
    output.unblock();
    output.flush();
    await sent;
    expect([client.sent.length, output.isAwaited]).toEqual([100 * KIB + 1, false]);
  });

  it('fails for its sender when the output is dropped', async () => {
    const { client, output } = outputOf();
    client.window = 0;
    const sent = output.later('x'.repeat(100 * KIB));
    output.flush();
    output.drop(gone);
    await expect(sent).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    expect([output.isSent, output.length]).toEqual([true, 0]);
  });

  it('throws if it is no message, and nothing is sent', () => {
    const { client, output } = outputOf();
    expect(() => void output.later(7)).toThrow(TypeError);
    output.flush();
    expect([client.sent, output.isSent]).toEqual(['', true]);
  });
});

describe('what waits', () => {
  it('moves with the client, the lone message too', () => {
    const { arena, blocks, client, output } = outputOf();
    client.window = 3;
    output.reply('abcdef');
    output.flush();
    void output.later('ghi');
    const saved = output.spill();
    if (saved === undefined) throw new Error('it cannot move');
    expect(arena.used).toBeGreaterThan(0);
    const there = outputOf();
    there.client.sent = client.sent;
    const moved = SharedBuffer.open(blocks, saved);
    expect(moved.memory.bytes.toString('latin1', moved.from, moved.to)).toBe('def\nghi\n');
  });

  it('is blocked where it arrives, until the kernel has room', () => {
    const { arena, client, output } = outputOf({ unsent: 'rest\n' });
    expect([output.isBlocked, output.isSent, output.length]).toEqual([true, false, 5]);
    output.unblock();
    output.flush();
    expect([client.sent, output.isBlocked, arena.used]).toEqual(['rest\n', false, 0]);
  });

  it('does not move when it is more than may wait', () => {
    const { client, output } = outputOf({ maxUnsent: 100 });
    client.window = 0;
    output.reply('x'.repeat(200));
    output.flush();
    expect([output.spill(), output.allocatedHere >= 200]).toEqual([undefined, true]);
  });

  it('piles up but for its last message', () => {
    const { client, output } = outputOf();
    client.window = 0;
    for (let message = 0; message < 3; message++) {
      output.reply('y'.repeat(9));
      output.flush();
    }
    expect([output.length, output.piledUp]).toEqual([30, 20]);
  });

  it('tells whether the client takes some of it', () => {
    const { output } = outputOf();
    expect([output.hasTaken(10), output.hasTaken(10), output.hasTaken(4), output.hasTaken(0)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});
