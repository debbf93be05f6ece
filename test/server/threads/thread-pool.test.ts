import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServerEvent } from '../../../src/log/event.ts';
import { Deferred } from '../../../src/server/deferred.ts';
import type { ThreadEnd } from '../../../src/server/threads/thread-handle.ts';
import { type PoolThread, ThreadPool, type ThreadPoolParts } from '../../../src/server/threads/thread-pool.ts';
import { tooFewThreads } from '../../../src/sys/thread-limit.ts';
import type { ThreadStart } from '../../../src/thread/messages.ts';

/** What the pool waits for: it is over when the test says so. */
const waits: { readonly ms: number; readonly over: Deferred<void> }[] = [];
vi.mock('node:timers/promises', () => ({
  setTimeout(ms: number) {
    const over = new Deferred<void>();
    waits.push({ ms, over });
    return over.promise;
  },
}));
beforeEach(() => void waits.splice(0));

/** A thread that is ready, fails or ends when the test says so. */
class FakeThread implements PoolThread {
  readonly thread: number;
  readonly threadId = 0;
  readonly becomesReady = new Deferred<void>();
  readonly ends = new Deferred<ThreadEnd>();
  readonly ready = this.becomesReady.promise;
  readonly ended = this.ends.promise;
  readonly drained = Promise.resolve();
  isReady = false;
  isOver = false;
  isRetiring = false;
  isLost = false;
  /** It is in a system call: nothing ends it but that. */
  isInCall = false;
  readonly #lost = new Deferred<void>();
  readonly over = Promise.race([this.ended, this.#lost.promise]);
  serves = false;
  readonly start: ThreadStart;

  constructor(start: ThreadStart) {
    this.start = start;
    this.thread = start.thread;
    this.ready.catch(() => {});
  }

  post(): void {}
  takeClients(): undefined {}

  beReady(): void {
    this.isReady = true;
    this.becomesReady.resolve();
  }

  stop(): void {
    this.#end('stopped');
  }

  abandon(): void {
    this.stop();
  }

  terminate(): Promise<boolean> {
    if (this.isInCall) return Promise.resolve(false);
    this.becomesReady.reject(new Error('ended from outside'));
    this.stop();
    return Promise.resolve(true);
  }

  lose(): void {
    this.isLost = true;
    this.#lost.resolve();
  }

  /** It ends by itself. */
  die(): void {
    this.#end('exit');
  }

  #end(cause: string): void {
    this.isOver = true;
    this.ends.resolve({ cause, detail: '' });
  }
}

class TestPool {
  readonly threads: FakeThread[] = [];
  readonly events: ServerEvent[] = [];
  readonly failed = vi.fn<(error: unknown) => void>();
  readonly pool: ThreadPool;
  /** How many of the next starts find that the system has no thread to give. */
  refusals = 0;
  /** What they throw. */
  refusal: unknown = new Error('no thread to give');

  constructor(parts: Partial<ThreadPoolParts>) {
    this.pool = new ThreadPool({
      size: 2,
      most: 12,
      rows: 24,
      startsAtOnce: 2,
      patience: 0,
      startThread: (start) => this.#start(start),
      start: {} as ThreadPoolParts['start'],
      locks: [],
      // The acceptor has nothing to do for a thread that is gone.
      post: (message) => message.type === 'thread-gone' && queueMicrotask(() => this.pool.cleared(message.thread)),
      failed: this.failed,
      report: (event) => this.events.push(event),
      ...parts,
    });
    onTestFinished(async () => void (await this.pool.stop(0)));
  }

  /** Resolves with a pool that serves. */
  static async serving(parts: Partial<ThreadPoolParts> = {}): Promise<TestPool> {
    const test = new TestPool(parts);
    const started = test.pool.start();
    while (test.starting.length > 0) await test.oneReady();
    await started;
    return test;
  }

  /** Why threads have ended, as it was told. */
  get exits(): readonly string[] {
    return this.events.filter((event) => event.type === 'thread-exit').map(({ detail }) => detail);
  }

  /** Those that are not ready yet, the oldest first. */
  get starting(): readonly FakeThread[] {
    return this.threads.filter(({ isReady, isOver }) => !isReady && !isOver);
  }

  /** The thread that has been starting for longest is ready. */
  oneReady(): Promise<void> {
    this.starting[0]?.beReady();
    return settled();
  }

  /** So are `count` of them, one after the other. */
  async ready(count: number): Promise<void> {
    for (let one = 0; one < count; one++) await this.oneReady();
  }

  #start(start: ThreadStart): PoolThread {
    if (this.refusals-- > 0) throw this.refusal;
    const thread = new FakeThread(start);
    this.threads.push(thread);
    return thread;
  }
}

/** What the promises so far lead to has been done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('threads that start', () => {
  it('are at most as many as allowed, and the next begins when one is ready', async () => {
    const test = await TestPool.serving({ size: 1, startsAtOnce: 2 });
    test.pool.grow(6);
    await settled();
    expect(test.starting.length).toBe(2);
    await test.oneReady();
    expect([test.threads.length, test.starting.length]).toEqual([4, 2]);
    for (let more = 0; more < 4; more++) await test.oneReady();
    expect([test.threads.length, test.starting.length]).toEqual([6, 0]);
  });

  it('are bounded as well when the server starts', async () => {
    const test = new TestPool({ size: 5, startsAtOnce: 2 });
    const started = test.pool.start();
    await settled();
    expect(test.threads.length).toBe(2);
    await test.oneReady();
    expect(test.threads.length).toBe(3);
    while (test.starting.length > 0) await test.oneReady();
    await started;
    expect(test.threads.length).toBe(5);
  });

  it('have the service serve one by one, and do not wait for each other', async () => {
    const test = await TestPool.serving({ size: 1 });
    test.pool.grow(4);
    await settled();
    await test.oneReady();
    expect(test.threads.filter(({ serves }) => serves).length).toBe(2);
  });

  it('no more of them are started when fewer are needed in the meantime', async () => {
    const test = await TestPool.serving({ size: 2 });
    test.pool.grow(6);
    await settled();
    test.pool.grow(3);
    while (test.starting.length > 0) await test.oneReady();
    expect(test.threads.length).toBe(4);
  });

  it('make room for the next when they fail', async () => {
    const test = await TestPool.serving({ size: 1, startsAtOnce: 1 });
    test.pool.grow(2);
    await settled();
    test.starting[0]?.becomesReady.reject(new Error('no such table'));
    await settled();
    expect(test.exits).toEqual(['no such table']);
    await test.oneReady();
    expect(test.threads.filter(({ serves }) => serves).length).toBe(2);
  });

  it('are tried again when the system has no thread to give, five times', async () => {
    const test = await TestPool.serving({ size: 1 });
    test.refusals = 5;
    test.pool.grow(2);
    await settled();
    expect(test.exits).toEqual(Array(5).fill('no thread to give'));
    expect([test.threads.length, test.failed.mock.calls.length]).toEqual([1, 0]);
  });

  it('wait when threads keep dying', async () => {
    const test = await TestPool.serving({ size: 4, most: 4, startsAtOnce: 4 });
    for (const thread of test.threads.slice(0, 4)) thread.die();
    await settled();
    expect([test.threads.length, waits.map(({ ms }) => ms)]).toEqual([7, [10]]);
    waits[0]?.over.resolve();
    await settled();
    expect(test.threads.length).toBe(8);
  });

  it('wait once for all that are missing, though only so many start at a time', async () => {
    const test = await TestPool.serving({ size: 6, most: 6, startsAtOnce: 1 });
    for (const thread of test.threads.slice(0, 6)) thread.die();
    await settled();
    await test.oneReady();
    waits[0]?.over.resolve();
    await settled();
    await test.ready(5);
    expect([test.threads.length, waits.length]).toEqual([12, 1]);
  });

  it('are as many as die while others are replaced, whatever the acceptor asks for', async () => {
    const test = await TestPool.serving({ size: 3, most: 6, startsAtOnce: 1 });
    for (const thread of test.threads.slice(0, 3)) thread.die();
    await settled();
    test.pool.grow(3);
    await test.ready(6);
    expect(test.threads.filter(({ serves, isOver }) => serves && !isOver).length).toBe(5);
  });
});

describe('a limit of threads', () => {
  const refusal = tooFewThreads(Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' }));

  it('is named once, and the pool goes on with the threads that serve', async () => {
    const test = await TestPool.serving({ size: 2 });
    Object.assign(test, { refusal, refusals: Infinity });
    test.pool.grow(6);
    await settled();
    test.pool.grow(6);
    await settled();
    expect(test.exits).toEqual([]);
    expect(test.events.filter(({ type }) => type === 'threads-limited')).toMatchObject([
      { threads: 2, detail: refusal?.message },
    ]);
    expect(test.failed).not.toHaveBeenCalled();
  });

  it('has the pool without a thread ask until it gets one', async () => {
    const test = await TestPool.serving({ size: 1 });
    Object.assign(test, { refusal, refusals: 2 });
    test.threads[0]?.die();
    await settled();
    for (let refusals = 1; refusals <= 2; refusals++) {
      expect([test.starting.length, waits.length]).toEqual([0, refusals]);
      waits.at(-1)?.over.resolve();
      await settled();
    }
    await test.oneReady();
    expect(test.events.filter(({ type }) => type === 'threads-limited')).toMatchObject([{ threads: 0 }]);
    expect(test.threads.filter(({ serves, isOver }) => serves && !isOver).length).toBe(1);
    expect(test.failed).not.toHaveBeenCalled();
  });

  it('fails a reload, and not the ones after it', async () => {
    const test = await TestPool.serving({ size: 4, startsAtOnce: 2, rows: 8 });
    Object.assign(test, { refusal, refusals: 1 });
    await expect(test.pool.reload({ tls: undefined }, () => {})).rejects.toBe(refusal);
    expect(test.threads.slice(0, 4).every(({ serves, isRetiring }) => serves && !isRetiring)).toBe(true);
    const again = test.pool.reload({ tls: undefined }, () => {});
    await settled();
    await test.ready(4);
    expect(await again).toBe(4);
  });
});

describe('a thread in a system call', () => {
  it('is lost when it does not end: another takes its place, and its number stays taken until it has ended', async () => {
    const told: string[] = [];
    const test = await TestPool.serving({
      size: 2,
      rows: 3,
      post: (message) => void ('thread' in message && told.push(`${message.type} ${message.thread}`)),
    });
    Object.assign(test.threads[0] ?? {}, { isInCall: true });
    test.pool.kill(0, 'its handler did not return');
    await settled();
    expect(test.events.filter(({ type }) => type === 'thread-lost')).toMatchObject([{ thread: 1 }]);
    expect([told.at(-1), test.starting.map(({ thread }) => thread)]).toEqual(['thread-lost 0', [2]]);
    await test.oneReady();
    test.threads[1]?.die();
    await settled();
    expect(test.starting).toEqual([]);
    test.threads[0]?.die();
    await settled();
    test.pool.cleared(0);
    await vi.waitUntil(() => test.starting.length === 1);
    expect([told.includes('thread-gone 0'), test.starting[0]?.thread]).toEqual([true, 0]);
  });

  it('holds up neither a drain nor the end', async () => {
    const test = await TestPool.serving({ size: 2 });
    const [thread] = test.threads;
    Object.assign(thread ?? {}, { isInCall: true, drained: new Promise(() => {}) });
    test.pool.kill(0, 'its handler did not return');
    await test.pool.drain();
    expect(await test.pool.stop(0)).toEqual([thread]);
  });
});

describe('a reload', () => {
  it('starts its threads within the same limit, and brings them in together', async () => {
    const test = await TestPool.serving({ size: 4, startsAtOnce: 2 });
    const reloaded = test.pool.reload({ tls: undefined }, () => {});
    await settled();
    expect(test.starting.length).toBe(2);
    await test.ready(3);
    expect(test.threads.slice(4).filter(({ serves }) => serves)).toEqual([]);
    await test.ready(1);
    expect(await reloaded).toBe(4);
    expect(test.threads.map(({ serves, isRetiring }) => serves && !isRetiring)).toEqual([
      ...Array(4).fill(false),
      ...Array(4).fill(true),
    ]);
  });

  it('starts no more threads when the new code does not start, and can be repeated', async () => {
    const test = await TestPool.serving({ size: 4, startsAtOnce: 2, rows: 8 });
    const reloaded = test.pool.reload({ tls: undefined }, () => {});
    await settled();
    test.starting[0]?.becomesReady.reject(new Error('no such table'));
    await settled();
    expect(test.threads[5]?.isOver).toBe(false); // It may be loading a module: Node would abort.
    test.threads[5]?.beReady();
    await expect(reloaded).rejects.toThrow('no such table');
    expect(test.threads[5]?.isOver).toBe(true);
    expect(test.threads.length).toBe(6);
    const again = test.pool.reload({ tls: undefined }, () => {});
    await settled();
    await test.ready(4);
    expect(await again).toBe(4);
  });
});

describe('the end of the pool', () => {
  it('starts none of the threads that wait for their turn', async () => {
    const test = await TestPool.serving({ size: 2, startsAtOnce: 1 });
    test.pool.grow(5);
    const replaced = test.pool.replace(0);
    const reloaded = test.pool.reload({ tls: undefined }, () => {});
    await settled();
    expect(test.threads.length).toBe(3);
    await test.pool.stop(0);
    await replaced;
    await expect(reloaded).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    expect(test.threads.length).toBe(3);
  });
});

describe('a thread that is replaced', () => {
  it('gives its clients away when the new one serves', async () => {
    const test = await TestPool.serving();
    const replaced = test.pool.replace(0);
    await settled();
    expect(test.threads[0]?.isRetiring).toBe(false);
    await test.ready(1);
    await replaced;
    expect(test.threads[0]?.isRetiring).toBe(true);
  });

  it('stays when no other one starts', async () => {
    const test = await TestPool.serving();
    const replaced = test.pool.replace(0);
    await settled();
    test.starting[0]?.becomesReady.reject(new Error('no memory'));
    await replaced;
    expect(test.threads[0]?.isRetiring).toBe(false);
  });

  it('is not replaced when it has ended before its turn came', async () => {
    const test = await TestPool.serving({ size: 2, startsAtOnce: 1 });
    test.pool.grow(3);
    const replaced = test.pool.replace(0);
    test.threads[0]?.die();
    await settled();
    await test.ready(2);
    await replaced;
    expect(test.threads.length).toBe(4);
  });
});
