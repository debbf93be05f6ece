import { expect, it, vi } from 'vitest';
import { Deferred } from '../../src/server/deferred.ts';
import { SingleFlight } from '../../src/server/single-flight.ts';

/** Runs that end when they are told to. */
function played(): { runs: Deferred<void>[]; reruns: SingleFlight } {
  const runs: Deferred<void>[] = [];
  const reruns = new SingleFlight(() => {
    const run = new Deferred<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, reruns };
}

it('runs at once if nothing runs', async () => {
  const { runs, reruns } = played();
  const asked = reruns.ask();
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await asked;
  void reruns.ask();
  expect(runs).toHaveLength(2);
});

it('all who ask during a run share one that begins after it', async () => {
  const { runs, reruns } = played();
  const first = reruns.ask();
  const others = Promise.all([reruns.ask(), reruns.ask(), reruns.ask()]);
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await first;
  await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 30_000 });
  runs[1]?.resolve();
  await others;
  expect(runs).toHaveLength(2);
});

it('never runs twice at once, whenever it is asked', async () => {
  let [running, most, count] = [0, 0, 0];
  const reruns = new SingleFlight(async () => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    count++;
    running--;
  });
  const asked: Promise<void>[] = [];
  for (let tick = 0; tick < 50; tick++) {
    asked.push(reruns.ask());
    await Promise.resolve();
  }
  await Promise.all(asked);
  expect(most).toBe(1);
  expect(count).toBeGreaterThan(2);
});

it('a run that fails fails for those who asked for it, and the next one runs', async () => {
  const { runs, reruns } = played();
  const first = reruns.ask();
  const second = reruns.ask();
  runs[0]?.reject(new Error('bad code'));
  await expect(first).rejects.toThrow('bad code');
  await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 30_000 });
  runs[1]?.resolve();
  await second;
});
