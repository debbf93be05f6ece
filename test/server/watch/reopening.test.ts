import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Reopening } from '../../../src/server/watch/reopening.ts';

const inUse = Object.assign(new Error('taken'), { errno: 'EADDRINUSE' });
const refused = Object.assign(new Error('no permission'), { errno: 'EACCES' });

/** Something that is opened by hand, and counts how often it was closed. */
function make() {
  const tries: { open: () => void; fail: (error: Error) => void }[] = [];
  const things: { closed: number; close: () => void }[] = [];
  const reopening = new Reopening(
    async () =>
      new Promise<{ closed: number; close: () => void }>((resolve, reject) => {
        const thing = { closed: 0, close: () => void thing.closed++ };
        const open = (): void => {
          things.push(thing);
          resolve(thing);
        };
        tries.push({ open, fail: reject });
      }),
  );
  return { reopening, things, tries };
}

afterEach(() => void vi.useRealTimers());

describe('what is opened again', () => {
  it('is waited for only while another process has it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reopening, tries } = make();
    const failures: unknown[] = [];
    reopening.soon((error) => failures.push(error));
    tries[0]?.fail(inUse);
    await turn();
    await vi.advanceTimersByTimeAsync(50);
    expect(tries).toHaveLength(2);
    expect(reopening.isWanted).toBe(true);
    tries[1]?.fail(refused);
    await turn();
    await vi.advanceTimersByTimeAsync(1000);
    expect(tries).toHaveLength(2);
    expect(failures).toEqual([refused]);
    expect(reopening.isWanted).toBe(false);
  });

  it('is opened once, however often that is asked', async () => {
    const { reopening, things, tries } = make();
    reopening.soon(() => {});
    reopening.soon(() => {});
    await Promise.resolve();
    expect(tries).toHaveLength(1);
    tries[0]?.open();
    await turn();
    expect(reopening.opened).toBe(things[0]);
  });

  it('is closed again if it was closed while it was being opened, also if it is opened anew meanwhile', async () => {
    const { reopening, things, tries } = make();
    reopening.soon(() => {});
    reopening.close();
    reopening.soon(() => {});
    tries[0]?.open();
    tries[1]?.open();
    await turn();
    expect(things.map(({ closed }) => closed)).toEqual([1, 0]);
    expect(reopening.opened).toBe(things[1]);
    reopening.close();
    expect(things.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(reopening.isWanted).toBe(false);
  });

  it('is not tried again once it was closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reopening, tries } = make();
    reopening.soon(() => {});
    tries[0]?.fail(inUse);
    await turn();
    reopening.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(tries).toHaveLength(1);
  });

  it('rejects at once where it is not waited for, and is wanted no more', async () => {
    const { reopening, tries } = make();
    const opened = reopening.now();
    tries[0]?.fail(inUse);
    await expect(opened).rejects.toBe(inUse);
    expect(reopening.isWanted).toBe(false);
  });
});
