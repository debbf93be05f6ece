import { describe, expect, it } from 'vitest';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import { Standstill } from '../../src/supervisor/standstill.ts';
import { RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import { playClock } from '../support/played-clock.ts';

const LOOK_MS = 10;

/** Two threads, of at most `max`; each has `share` of a CPU. */
function threads({ max = 2, share = 1, clientsPerThread = Infinity, hasRoom = false } = {}) {
  const clock = playClock();
  const board = ThreadBoard.create(max);
  const calls = {
    threadCpuTime: () => clock.now * share,
    isRunnable: () => true,
    setSlice: () => 0,
    addNice: () => 0,
  };
  const registry = new ThreadRegistry(calls, { min: 2, max, clientsPerThread, moveAfter: 5, cpus: 2, hasRoom });
  for (const row of board.rows.slice(0, 2)) {
    row.state = RUNNING;
    registry.add(row);
  }
  const waiting = { is: true, newcomers: false };
  const standstill = new Standstill(
    registry,
    () => waiting.is,
    () => waiting.newcomers,
  );
  const found: { thread: number; at: number; why: string }[] = [];
  /** Time passes, in which `rows` take a turn once. */
  const pass = (ms: number, ...rows: number[]): void => {
    for (const row of rows) board.row(row).beat(-1);
    for (const end = clock.now + ms; clock.now < end; ) {
      clock.now += LOOK_MS;
      for (const watch of registry.watches) watch.look(clock.now);
      registry.noteBlocks(clock.now);
      const watch = standstill.find(clock.now);
      if (watch === undefined) continue;
      watch.reported = true;
      found.push({ thread: watch.row.thread, at: clock.now, why: standstill.reason });
    }
  };
  return { board, clock, found, pass, registry, waiting };
}

describe('when no thread takes a turn for a second', () => {
  it('the one that has been blocked longest is to end, and no other while it does', () => {
    const { found, pass, registry, board } = threads();
    pass(300);
    pass(900, 1);
    expect(found).toEqual([]);
    pass(300);
    expect(found.map(({ thread }) => thread)).toEqual([0]);
    pass(5000);
    expect(found).toHaveLength(1);
    registry.remove(board.row(0));
    pass(LOOK_MS);
    expect(found.map(({ thread }) => thread)).toEqual([0, 1]);
  });

  it('none is to end if one takes a turn now and then', () => {
    const { found, pass } = threads();
    for (let round = 0; round < 10; round++) pass(900, round % 2);
    expect(found).toEqual([]);
  });

  it('none is to end while nobody waits', () => {
    const { found, pass, waiting } = threads();
    waiting.is = false;
    pass(3000);
    expect(found).toEqual([]);
    waiting.is = true;
    pass(200);
    expect(found).toHaveLength(1);
  });

  it('none is to end whose message has had less than half a second of CPU', () => {
    const { found, pass } = threads({ share: 0.1 });
    pass(4500);
    expect(found).toEqual([]);
    pass(1500);
    expect(found).toHaveLength(1);
  });

  it('one is to end after ten seconds if newcomers wait and only the thread for light clients is free', () => {
    const { found, pass, registry, waiting } = threads({ max: 3, hasRoom: true });
    waiting.newcomers = true;
    const light = (): number => registry.light?.row.thread ?? 0;
    pass(100);
    for (let round = 0; round < 99; round++) pass(100, light());
    expect(found).toEqual([]);
    for (let round = 0; round < 5; round++) pass(100, light());
    expect(found.map(({ thread }) => thread)).toEqual([1 - light()]);
    expect(found[0]?.why).toMatch(/^only the thread for light clients was free/);
  });

  it('one more thread is waited for if there may be more', () => {
    const { found, pass } = threads({ max: 4 });
    pass(4900);
    expect(found).toEqual([]);
    pass(300);
    expect(found).toHaveLength(1);
  });

  it('none is to end where each client has a thread of its own', () => {
    const { found, pass } = threads({ clientsPerThread: 1 });
    pass(10_000);
    expect(found).toEqual([]);
  });
});
