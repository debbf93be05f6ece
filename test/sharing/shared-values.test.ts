import { describe, expect, it } from 'vitest';
import { Counter } from '../../src/sharing/counter.ts';
import { Lock } from '../../src/sharing/lock.ts';
import { packShared, unpackShared } from '../../src/sharing/shared-values.ts';
import { runWorker } from '../support/test-worker.ts';

/** What a thread gets that is started with `values`. */
const cross = (values: Record<string, unknown>) => unpackShared(structuredClone(packShared(values, String)));

describe('shared values', () => {
  it('are a lock and a counter on the same memory after they have crossed', () => {
    const lock = new Lock();
    const counter = new Counter();
    const there = cross({ lock, counter });
    expect(there.lock).toBeInstanceOf(Lock);
    expect(there.counter).toBeInstanceOf(Counter);
    (there.counter as Counter).add(4);
    expect(counter.value).toBe(4);
    expect(lock.tryAcquire()).toBe(true);
    expect((there.lock as Lock).tryAcquire()).toBe(false);
  });

  it('may be anything that can be cloned, shared buffers among them', () => {
    const buffer = new SharedArrayBuffer(4);
    const there = cross({ buffer, name: 'x', list: [1, { deep: true }], nothing: undefined });
    new Uint8Array(there.buffer as SharedArrayBuffer)[2] = 9;
    expect(new Uint8Array(buffer)[2]).toBe(9);
    expect({ ...there, buffer: null }).toEqual({
      buffer: null,
      name: 'x',
      list: [1, { deep: true }],
      nothing: undefined,
    });
  });

  it('cannot be changed by the thread that got them', () => {
    expect(Object.isFrozen(cross({ a: 1 }))).toBe(true);
  });

  it('are the same lock when it does not begin at the start of its buffer', () => {
    const lock = new Lock(new SharedArrayBuffer(24), 16);
    lock.tryAcquire();
    expect((cross({ lock }).lock as Lock).tryAcquire()).toBe(false);
  });

  it('reach a real thread', async () => {
    const counter = new Counter();
    const body = `
      const { unpackShared } = await load('sharing/shared-values.js');
      const { counter, lock } = unpackShared(data.shared);
      lock.acquireSync();
      counter.add(2);
      lock.release();`;
    await runWorker(body, { shared: packShared({ counter, lock: new Lock() }, String) });
    expect(counter.value).toBe(2);
  });

  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['what holds one', { inner: [() => 1] }],
  ])('says by its name that %s cannot be handed over, and what to do', (_what, value) => {
    expect(() => packShared({ good: 1, odd: value }, (name) => `options.shared.${name}`)).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_INVALID_OPTION',
        message: expect.stringMatching(
          /^options\.shared\.odd cannot be handed to threads: .*could not be cloned\. Functions/,
        ),
      }),
    );
  });
});
