import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Waker } from '../../src/sharing/waker.ts';
import { startWorker } from '../support/test-worker.ts';

function newBell(): { words: Int32Array; waker: Waker } {
  const words = new Int32Array(new SharedArrayBuffer(12));
  return { words, waker: new Waker(words, 1) };
}

const woken = (waker: Waker, count: number) => new Promise<void>((resolve) => waker.wait(count, resolve));

describe('Waker', () => {
  it('counts its rings in its own word', () => {
    const { words, waker } = newBell();
    waker.wake();
    waker.wake();
    expect([waker.count, ...words]).toEqual([2, 0, 2, 0]);
  });

  it('wakes whoever waits when it rings', async () => {
    const { waker } = newBell();
    let calls = 0;
    const wait = woken(waker, waker.count).then(() => calls++);
    await nextTurn();
    expect(calls).toBe(0);
    waker.wake();
    await wait;
    expect(calls).toBe(1);
  });

  it('wakes at once, but never inside wait, when it has rung since its count was read', async () => {
    const { waker } = newBell();
    const { count } = waker;
    waker.wake();
    let calls = 0;
    waker.wait(count, () => calls++);
    expect(calls).toBe(0);
    await nextTurn();
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('wakes once for each wait', async () => {
    const { waker } = newBell();
    let calls = 0;
    waker.wait(waker.count, () => calls++);
    waker.wake();
    waker.wake();
    await woken(waker, 0);
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('lets the event loop run meanwhile, and is heard from another thread', async () => {
    const { words, waker } = newBell();
    let turns = 0;
    const count = () => {
      turns++;
      if (waker.count === 0) setImmediate(count);
    };
    setImmediate(count);
    startWorker(`const { Waker } = await load('sharing/waker.ts'); new Waker(data.words, 1).wake();`, { words });
    await woken(waker, 0);
    expect(turns).toBeGreaterThan(1);
    expect(waker.count).toBe(1);
  });
});
