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

  it('may be shared memory, and arrays over it', () => {
    const buffer = new SharedArrayBuffer(4);
    const size = { initial: 1, maximum: 1, shared: true };
    const memory = new WebAssembly.Memory(size);
    const there = cross({ buffer, cells: new Int16Array(buffer, 2), memory });
    (there['cells'] as Int16Array)[0] = 9;
    new Uint8Array((there['memory'] as typeof memory).buffer)[5] = 7;
    expect(new Uint8Array(buffer)[2]).toBe(9);
    expect(new Uint8Array(there['buffer'] as SharedArrayBuffer)[2]).toBe(9);
    expect(new Uint8Array(memory.buffer)[5]).toBe(7);
  });

  it('may be what cannot change, and are frozen on the thread as well', () => {
    const list = Object.freeze([1, Object.freeze({ deep: true })]);
    const values = { name: 'x', size: 16, none: null, nothing: undefined, big: 5n, list };
    const there = cross(values);
    expect(there).toEqual(values);
    expect([there['list'], (there['list'] as typeof list)[1]].map(Object.isFrozen)).toEqual([true, true]);
  });

  it('may be a frozen object that blocks itself', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const there = cross({ loop: Object.freeze(loop) })['loop'] as typeof loop;
    expect(there['self']).toBe(there);
  });

  it.each<[string, unknown, string]>([
    ['an object', { n: 0 }, 'odd cannot be shared: each thread would get a copy of this Object,'],
    ['an array', [1], 'odd cannot be shared: each thread would get a copy of this Array,'],
    ['what is not frozen inside of what is', Object.freeze({ in: { n: 0 } }), 'odd.in cannot be shared: '],
    [
      'a map, frozen or not',
      Object.freeze(new Map()),
      'odd cannot be shared: each thread would get a copy of this Map,',
    ],
    ['bytes of one thread', Buffer.alloc(4), 'odd cannot be shared: each thread would get a copy of this Buffer,'],
    ['a lock inside of an object', Object.freeze({ lock: new Lock() }), 'odd.lock cannot be shared: '],
  ])(
    'are not %s, of which each thread would change a copy: it is refused by name, with what can be shared',
    (_what, odd, text) => {
      expect(() => packShared({ good: 1, odd }, String)).toThrow(
        expect.objectContaining({
          code: 'HEDDLE_INVALID_OPTION',
          message: expect.stringMatching(new RegExp(`^${text}.* Threads share a Counter, a Lock, a SharedArrayBuffer`)),
        }),
      );
    },
  );

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
      const { unpackShared } = await load('sharing/shared-values.ts');
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
