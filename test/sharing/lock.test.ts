import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Lock } from '../../src/sharing/lock.ts';
import { until } from '../support/loopback.ts';
import { messageOf, runWorker, startWorker } from '../support/test-worker.ts';

const WITH_LOCK = `
  const { Lock } = await load('sharing/lock.ts');
  const lock = new Lock(data.buffer);`;

describe('Lock on one thread', () => {
  it('lets one in at a time', () => {
    const lock = new Lock();
    expect([lock.tryAcquire(), lock.tryAcquire()]).toEqual([true, false]);
    lock.release();
    expect(lock.tryAcquire()).toBe(true);
  });

  it('gives itself back when what acquire returned is disposed of', async () => {
    const lock = new Lock();
    const held = await lock.acquire();
    expect(lock.tryAcquire()).toBe(false);
    held[Symbol.dispose]();
    const again = lock.acquireSync();
    expect(lock.tryAcquire()).toBe(false);
    again[Symbol.dispose]();
    expect(lock.tryAcquire()).toBe(true);
  });

  it('lets async waiters in one after another', async () => {
    const lock = new Lock();
    let inside = 0;
    let most = 0;
    const visit = async () => {
      await lock.acquire();
      most = Math.max(most, ++inside);
      await nextTurn();
      inside--;
      lock.release();
    };
    await Promise.all(Array.from({ length: 20 }, visit));
    expect([most, inside]).toEqual([1, 0]);
  });

  it('does not block its thread while acquire waits', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    let acquired = false;
    const waiting = lock.acquire().then(() => {
      acquired = true;
    });
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    expect(acquired).toBe(false);
    lock.release();
    await waiting;
    expect(acquired).toBe(true);
  });

  it('says that blocking for a lock of one’s own would never end, and can still be released', () => {
    const lock = new Lock();
    lock.acquireSync();
    expect(() => lock.acquireSync()).toThrow('this thread holds the lock already; blocking for it would never end');
    lock.release();
    expect(lock.tryAcquire()).toBe(true);
  });

  it('is released only by whoever has it', () => {
    const lock = new Lock();
    expect(() => lock.release()).toThrow('this thread does not hold the lock');
    lock.tryAcquire();
    expect(lock.releaseFor(12345)).toBe(false);
    expect(lock.tryAcquire()).toBe(false);
  });

  it('may lie anywhere in a buffer, beside others', () => {
    const buffer = new SharedArrayBuffer(16);
    const [one, other] = [new Lock(buffer), new Lock(buffer, 8)];
    expect([one.tryAcquire(), other.tryAcquire(), new Lock(buffer, 8).tryAcquire()]).toEqual([true, true, false]);
  });
});

describe('Lock across threads', () => {
  /** Adds without atomics, with work between reading and writing, so that two at a time would lose counts. */
  const ADD = `${WITH_LOCK}
    for (let times = 0; times < data.times; times++) {
      if (data.sync) lock.acquireSync(); else await lock.acquire();
      const value = data.values[0];
      for (let spin = times % 40; spin > 0; spin--) data.values[1] = spin;
      data.values[0] = value + 1;
      lock.release();
    }`;

  it.each([
    ['blocking', [true, true, true]],
    ['async', [false, false, false]],
    ['both', [true, false, true, false]],
  ])('keeps increments that are not atomic exact (%s)', async (_, kinds) => {
    const values = new Int32Array(new SharedArrayBuffer(8));
    const { buffer } = new Lock();
    const times = 3000;
    await Promise.all(kinds.map((sync) => runWorker(ADD, { buffer, values, times, sync })));
    expect(values[0]).toBe(times * kinds.length);
  });

  it('lets one in at a time of threads that try without waiting', async () => {
    const values = new Int32Array(new SharedArrayBuffer(4));
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const body = `${WITH_LOCK}
      Atomics.add(data.gate, 0, 1);
      while (Atomics.load(data.gate, 0) < 2);
      for (let times = 0; times < data.times; times++) {
        while (!lock.tryAcquire());
        data.values[0] = data.values[0] + 1;
        lock.release();
      }`;
    const data = { buffer: new Lock().buffer, values, gate, times: 200_000 };
    await Promise.all([1, 2].map(() => runWorker(body, data)));
    expect(values[0]).toBe(400_000);
  });

  it('cannot be released by another thread', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const body = `${WITH_LOCK} try { lock.release(); post('released'); } catch (error) { post(error.message); }`;
    expect(await runWorker(body, { buffer: lock.buffer })).toBe('this thread does not hold the lock');
    expect(lock.tryAcquire()).toBe(false);
  });

  it('is given back in the place of a thread that died with it, and wakes who waits', async () => {
    const lock = new Lock();
    const dead = startWorker(`${WITH_LOCK} lock.acquireSync(); post('locked'); await new Promise(() => {});`, {
      buffer: lock.buffer,
    });
    await messageOf(dead);
    const { threadId } = dead;
    const blocked = startWorker(`${WITH_LOCK} post('ready'); lock.acquireSync(); lock.release(); post('through');`, {
      buffer: lock.buffer,
    });
    await messageOf(blocked);
    await dead.terminate();
    expect(lock.tryAcquire()).toBe(false);
    const through = messageOf(blocked);
    expect(lock.releaseFor(threadId)).toBe(true);
    expect(await through).toBe('through');
    expect(lock.releaseFor(threadId)).toBe(false);
    expect(lock.tryAcquire()).toBe(true);
  });

  /** Says the kernel's number of this thread, so that the test can see it sleep. */
  const SAY_TID = `post(require('node:fs').readlinkSync('/proc/thread-self').split('/').pop());`;

  /** Resolves when `count` threads are counted as waiting and thread `tid` sleeps, and goes on sleeping. */
  async function blockedFor(lock: Lock, count: number, tid: string): Promise<void> {
    const words = new Int32Array(lock.buffer);
    let looks = 0;
    await until(() => {
      const sleeps = / S /.test(readFileSync(`/proc/self/task/${tid}/stat`, 'latin1'));
      looks = sleeps && Atomics.load(words, 1) === count ? looks + 1 : 0;
      return looks === 200;
    });
  }

  /** What `message` says, or `stuck` if it says nothing for long. */
  const heard = async (message: Promise<string>) => {
    const deadline = new Promise<string>((resolve) => setTimeout(resolve, 30_000, 'stuck'));
    return Promise.race([message, deadline]);
  };

  it('lets a thread in that blocks for it while it also waits for it asynchronously', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const body = `${WITH_LOCK} ${SAY_TID}
      const later = lock.acquire();
      lock.acquireSync();
      lock.release();
      await later;
      lock.release();
      post('both');`;
    const worker = startWorker(body, { buffer: lock.buffer });
    await blockedFor(lock, 2, await messageOf<string>(worker));
    const both = messageOf<string>(worker);
    lock.release();
    expect(await heard(both)).toBe('both');
  });

  it('lets others in when a waiter was woken and died before it took the lock', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const { buffer } = lock;
    const first = startWorker(`${WITH_LOCK} void lock.acquire(); post('waits'); for (;;);`, { buffer });
    await messageOf(first);
    const body = `${WITH_LOCK} ${SAY_TID} lock.acquireSync(); lock.release(); post('through');`;
    const second = startWorker(body, { buffer });
    await blockedFor(lock, 2, await messageOf<string>(second));
    const through = messageOf<string>(second);
    const { threadId } = first;
    lock.release();
    await first.terminate();
    lock.releaseFor(threadId);
    expect(await heard(through)).toBe('through');
  });
});
