import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Bell } from '../../src/sharing/bell.ts';
import { startWorker } from '../support/test-worker.ts';

function newBell(): { words: Int32Array; bell: Bell } {
  const words = new Int32Array(new SharedArrayBuffer(12));
  return { words, bell: new Bell(words, 1) };
}

const woken = (bell: Bell, count: number) => new Promise<void>((resolve) => bell.wait(count, resolve));

describe('Bell', () => {
  it('counts its rings in its own word', () => {
    const { words, bell } = newBell();
    bell.ring();
    bell.ring();
    expect([bell.count, ...words]).toEqual([2, 0, 2, 0]);
  });

  it('wakes whoever waits when it rings', async () => {
    const { bell } = newBell();
    let calls = 0;
    const wait = woken(bell, bell.count).then(() => calls++);
    await nextTurn();
    expect(calls).toBe(0);
    bell.ring();
    await wait;
    expect(calls).toBe(1);
  });

  it('wakes at once, but never inside wait, when it has rung since its count was read', async () => {
    const { bell } = newBell();
    const { count } = bell;
    bell.ring();
    let calls = 0;
    bell.wait(count, () => calls++);
    expect(calls).toBe(0);
    await nextTurn();
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('wakes once for each wait', async () => {
    const { bell } = newBell();
    let calls = 0;
    bell.wait(bell.count, () => calls++);
    bell.ring();
    bell.ring();
    await woken(bell, 0);
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('lets the event loop run meanwhile, and is heard from another thread', async () => {
    const { words, bell } = newBell();
    let turns = 0;
    const count = () => {
      turns++;
      if (bell.count === 0) setImmediate(count);
    };
    setImmediate(count);
    startWorker(`const { Bell } = await load('sharing/bell.ts'); new Bell(data.words, 1).ring();`, { words });
    await woken(bell, 0);
    expect(turns).toBeGreaterThan(1);
    expect(bell.count).toBe(1);
  });
});
