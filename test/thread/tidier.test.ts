import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tidier } from '../../src/thread/tidier.ts';

const MIB = 2 ** 20;

function makeGarbage(): WeakRef<Buffer> {
  return new WeakRef(Buffer.alloc(64 * MIB));
}

describe('Tidier', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('frees garbage and gives memory back some time after much was let go', async () => {
    const trim = vi.fn<() => void>();
    const tidier = new Tidier(trim);
    const garbage = makeGarbage();
    await nextTurn(); // Until then a WeakRef keeps what it was made with.
    tidier.released(64 * MIB);
    vi.advanceTimersByTime(2000);
    expect(garbage.deref() === undefined).toBe(true);
    expect(trim).not.toHaveBeenCalled();
    vi.advanceTimersByTime(500);
    expect(trim).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(60_000);
    expect(trim).toHaveBeenCalledOnce();
  });

  it('does nothing for little', () => {
    const trim = vi.fn<() => void>();
    new Tidier(trim).released(MIB);
    vi.advanceTimersByTime(60_000);
    expect(trim).not.toHaveBeenCalled();
  });

  it('waits while more and more is let go', () => {
    const trim = vi.fn<() => void>();
    const tidier = new Tidier(trim);
    for (let second = 0; second < 30; second++) {
      tidier.released(16 * MIB);
      vi.advanceTimersByTime(1000);
    }
    expect(trim).not.toHaveBeenCalled();
    vi.advanceTimersByTime(5000);
    expect(trim).toHaveBeenCalledOnce();
  });
});
