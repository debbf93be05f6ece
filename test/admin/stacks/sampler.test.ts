import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Inspectors, Sampler } from '../../../src/admin/stacks/sampler.ts';

const FRAME = { functionName: 'slow', url: 'file:///service.js', lineNumber: 6 };
const PROFILE = { nodes: [{ id: 1, callFrame: FRAME, positionTicks: [{ line: 8, ticks: 9 }] }], samples: [1, 1, 1, 1] };

/** Threads that answer, but for `silent`, which fails. */
class Threads implements Inspectors {
  readonly asked: string[] = [];
  readonly silent: string | undefined;
  closed = 0;

  constructor(silent?: string) {
    this.silent = silent;
  }

  async attached(): Promise<undefined> {}

  async ask(_threadId: number, method: string): Promise<unknown> {
    this.asked.push(method.replace('Profiler.', ''));
    if (method === `Profiler.${this.silent}`) throw new Error('no answer');
    return { profile: PROFILE };
  }

  close(): void {
    this.closed++;
  }
}

function sampler(threads: Inspectors, canStartThread = true): Sampler {
  return new Sampler(
    (url) => url.startsWith('file:///service'),
    () => canStartThread,
    () => threads,
  );
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a sample of a thread', () => {
  it('names the code, and leaves no profiler on', async () => {
    vi.useRealTimers();
    const threads = new Threads();
    expect(await sampler(threads).sample(1)).toEqual({ code: 'slow service.js:8', stack: ['slow service.js:8'] });
    expect(threads.asked.at(-1)).toBe('disable');
  });

  it.each(['enable', 'start', 'stop', 'stopPreciseCoverage'])('leaves no profiler on if %s fails', async (silent) => {
    vi.useRealTimers();
    const threads = new Threads(silent);
    await sampler(threads).sample(1);
    expect(threads.asked.at(-1)).toBe('disable');
  });

  it('is nothing where the system starts no thread for it: V8 would end the process', async () => {
    vi.useRealTimers();
    const threads = new Threads();
    expect(await sampler(threads, false).sample(1)).toBeUndefined();
    expect(threads.asked).not.toContain('start');
    expect(threads.asked.at(-1)).toBe('disable');
  });

  it('is nothing where no inspector can be had', async () => {
    const failing = new Sampler(
      () => true,
      () => true,
      () => {
        throw new Error('the inspector is off');
      },
    );
    expect(await failing.sample(1)).toBeUndefined();
  });

  it('keeps its sessions while it goes on, however long the thread takes to answer', async () => {
    const threads = new Threads('enable');
    const code = sampler(threads);
    await code.sample(1);
    await vi.advanceTimersByTimeAsync(59_000);
    let answer: () => void = () => {};
    threads.ask = async () => new Promise<void>((resolve) => (answer = resolve));
    const second = code.sample(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(threads.closed).toBe(0);
    threads.ask = async () => Promise.reject(new Error('gone'));
    answer();
    await second;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(threads.closed).toBe(1);
  });

  it('attaches to no thread once it was closed', async () => {
    const threads = new Threads('enable');
    const code = sampler(threads);
    code.close();
    expect(await code.sample(1)).toBeUndefined();
    expect(threads.asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
