import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CpuProfile } from '../../../src/admin/stacks/place.ts';
import { type Inspectors, Profiler, type ProfilerParts } from '../../../src/admin/stacks/profiler.ts';

const PROFILE: CpuProfile = { nodes: [], samples: [], timeDeltas: [], startTime: 0, endTime: 0 };
const FOREVER = new AbortController().signal;
const [ONE, TWO] = [
  { thread: 1, threadId: 11 },
  { thread: 2, threadId: 12 },
];

/** Threads that answer at once, but for what `answers` has for a method. */
class Threads implements Inspectors {
  readonly asked: string[] = [];
  readonly ended = new AbortController();
  readonly answers: Readonly<Record<string, () => Promise<unknown>>>;
  closed = 0;

  constructor(answers: Threads['answers'] = {}) {
    this.answers = answers;
  }

  async attached(threadId: number): Promise<AbortSignal | undefined> {
    return threadId === 0 ? undefined : this.ended.signal;
  }

  async ask(threadId: number, method: string): Promise<unknown> {
    const name = method.replace('Profiler.', '');
    this.asked.push(`${threadId} ${name}`);
    if (this.ended.signal.aborted) throw new Error('no session');
    return this.answers[name]?.() ?? { profile: PROFILE };
  }

  close(): void {
    this.closed++;
  }
}

function profiler(threads: Threads, parts: Partial<ProfilerParts> = {}): Profiler {
  return new Profiler({ canStartThread: () => true, attach: () => threads, debuggedAt: () => undefined, ...parts });
}

/** Passes the time of a profile, and of all that waits for it. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number, value: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const timer = setTimeout(() => resolve(value), ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }),
}));

describe('a profile', () => {
  it('is taken of all threads at the same time, and nothing of it stays', async () => {
    const threads = new Threads();
    const taken = profiler(threads).profile([ONE, TWO], 1000, FOREVER);
    await pass(999);
    expect(threads.asked).not.toContain('11 stop');
    await pass(1);
    expect(await taken).toEqual([
      { thread: 1, profile: PROFILE },
      { thread: 2, profile: PROFILE },
    ]);
    expect(threads.asked.filter((asked) => asked.endsWith('start'))).toEqual(['11 start', '12 start']);
    expect(threads.asked.slice(-2)).toEqual(['11 disable', '12 disable']);
    expect(threads.closed).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is refused while another one is taken, and may be taken after it', async () => {
    const own = profiler(new Threads());
    const first = own.profile([ONE], 1000, FOREVER);
    await expect(own.profile([TWO], 1000, FOREVER)).rejects.toMatchObject({ status: 409 });
    await pass(1000);
    await first;
    const second = own.profile([TWO], 1000, FOREVER);
    await pass(1000);
    expect(await second).toHaveLength(1);
  });

  it('is refused where a debugger may be attached: it may pause the threads', async () => {
    const threads = new Threads();
    const own = profiler(threads, { debuggedAt: () => 'ws://127.0.0.1:9229/x' });
    await expect(own.profile([ONE], 1000, FOREVER)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('ws://127.0.0.1:9229/x'),
    });
    expect(threads.asked).toEqual([]);
  });

  it('ends at once when nobody waits for it any more, and another one may be taken', async () => {
    const [threads, leaving] = [new Threads(), new AbortController()];
    const own = profiler(threads);
    const taken = own.profile([ONE], 60_000, leaving.signal);
    taken.catch(() => {});
    await pass(10);
    leaving.abort();
    expect(threads.asked.at(-1)).toBe('11 disable');
    expect(threads.closed).toBe(1);
    await expect(taken).rejects.toThrow('aborted');
    expect(vi.getTimerCount()).toBe(0);
    const second = own.profile([ONE], 100, FOREVER);
    await pass(100);
    expect(await second).toHaveLength(1);
  });

  it('says of a thread that ends that it has ended, at once', async () => {
    const threads = new Threads();
    const taken = profiler(threads).profile([ONE], 60_000, FOREVER);
    await pass(10);
    threads.ended.abort();
    expect(await taken).toEqual([{ thread: 1, problem: expect.stringContaining('ended') }]);
  });

  it('says so of a thread that has ended just before, and profiles the others', async () => {
    const taken = profiler(new Threads()).profile([{ thread: 1, threadId: 0 }, TWO], 100, FOREVER);
    await pass(100);
    expect(await taken).toEqual([
      { thread: 1, problem: expect.stringContaining('ended') },
      { thread: 2, profile: PROFILE },
    ]);
  });

  it('says of a thread in native code that it does not answer', async () => {
    const threads = new Threads({ enable: async () => new Promise(() => {}) });
    const taken = profiler(threads).profile([ONE], 100, FOREVER);
    await pass(5000);
    expect(await taken).toEqual([{ thread: 1, problem: expect.stringContaining('native code') }]);
    expect(threads.asked).toEqual(['11 enable', '11 disable']);
  });

  it('starts no profiler where the system starts no thread for it: V8 would end the process', async () => {
    const threads = new Threads();
    expect(await profiler(threads, { canStartThread: () => false }).profile([ONE], 100, FOREVER)).toEqual([
      { thread: 1, problem: expect.stringContaining('no more threads') },
    ]);
    expect(threads.asked).not.toContain('11 start');
  });

  it('asks whether there is room for each thread only once the one before has started', async () => {
    let room = 1;
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const start = async (): Promise<void> => {
      await begun;
      room--;
    };
    const threads = new Threads({ start });
    const taken = profiler(threads, { canStartThread: () => room > 0 }).profile([ONE, TWO], 100, FOREVER);
    await pass(1);
    begin();
    await pass(100);
    expect(await taken).toEqual([
      { thread: 1, profile: PROFILE },
      { thread: 2, problem: expect.stringContaining('no more threads') },
    ]);
    expect(threads.asked).not.toContain('12 start');
  });
});
