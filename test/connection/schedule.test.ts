import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withCallbacks } from '../support/node-callbacks.ts';
import { Schedule, type ScheduleSettings } from '../support/schedule.ts';
import { ACTION_NAMES, type ActionName, type Step } from '../support/schedule-actions.ts';
import { checkAllGone, checkAtRest, checkStep, comeToRest } from '../support/schedule-checks.ts';

const RUNS = 150;
/** The second finds what the first does not. */
const SEEDS = [1, 698_381_125];
const MOST_STEPS = 120;

/** How often each is drawn; the others once. */
const WEIGHTS: Partial<Record<ActionName, number>> = {
  connect: 3,
  lines: 8,
  part: 4,
  stop: 2,
  fetch: 12,
  serve: 16,
  work: 4,
  settle: 5,
  turn: 12,
  wait: 5,
  move: 8,
  tell: 2,
  expensive: 3,
  start: 2,
};
const DEADLY = new Set<ActionName>(['die', 'retire']);

function action(names: readonly ActionName[]) {
  const drawn = names.flatMap((name) => Array.from({ length: WEIGHTS[name] ?? 1 }, () => name));
  return { name: fc.constantFrom(...drawn), a: fc.nat({ max: 255 }), b: fc.nat({ max: 255 }) };
}

function steps(names: readonly ActionName[]): fc.Arbitrary<Step[]> {
  const inner = fc.record({ ...action(names), at: fc.nat({ max: 5 }) });
  const step = fc.record({ ...action(names), inner: fc.option(inner, { nil: undefined, freq: 2 }) });
  return fc.array(step, { maxLength: MOST_STEPS, size: 'max' });
}

const WIDE = 100_000;

function anySettings(...sendBuffers: number[]): fc.Arbitrary<ScheduleSettings> {
  return anySettingsWhere(false, sendBuffers);
}

function anySettingsWhere(givesWay: boolean, sendBuffers: number[]): fc.Arbitrary<ScheduleSettings> {
  return fc.record({
    sendBuffer: fc.constantFrom(...sendBuffers),
    arenaSize: fc.constantFrom(2048, 1 << 16),
    speaksFirst: fc.boolean(),
    givesWay: fc.constant(givesWay),
  });
}

/** Two threads with four clients, and the steps of `order`, checked all along. */
function play(settings: ScheduleSettings, order: readonly Step[]): Schedule {
  const on = new Schedule(settings);
  return withCallbacks(on, () => {
    on.start(0);
    on.start(1);
    for (let count = 0; count < 4; count++) on.connect();
    on.turn();
    for (const step of order) {
      on.step(step);
      checkStep(on);
    }
    comeToRest(on);
    checkAtRest(on);
    checkAllGone(on);
    return on;
  });
}

const step = (name: ActionName, a = 0, b = 0): Step => ({ name, a, b, inner: undefined });
const SETTINGS: ScheduleSettings = { sendBuffer: 1000, arenaSize: 1 << 16, speaksFirst: false, givesWay: false };

/** Any schedule of `names`. A thread that is blocked for too long dies as well, whatever they are. */
function anySchedule(names: readonly ActionName[], ...sendBuffers: number[]) {
  return anyScheduleIn(anySettings(...sendBuffers), names);
}

function anyScheduleIn(all: fc.Arbitrary<ScheduleSettings>, names: readonly ActionName[]) {
  return fc.property(all, steps(names), (settings, order) => {
    expect(play(settings, order).arena.used).toBe(0);
  });
}

const HARMLESS = ACTION_NAMES.filter((name) => !DEADLY.has(name));

describe('any schedule of clients, threads and acceptor', () => {
  it.each(SEEDS)('answers every client in order, ends each once and leaves nothing behind (seed %i)', (seed) => {
    fc.assert(anySchedule(HARMLESS, WIDE), { seed, numRuns: RUNS });
  });

  it.each(SEEDS)('does so while threads die and are replaced, but for those that were cut off (seed %i)', (seed) => {
    fc.assert(anySchedule(ACTION_NAMES, WIDE), { seed, numRuns: RUNS });
  });

  it.each(SEEDS)('does both when the kernel takes little of a reply at once (seed %i)', (seed) => {
    fc.assert(anySchedule(ACTION_NAMES, 64, 1000), { seed, numRuns: 2 * RUNS });
  });

  it('does both when clients give way to each other', () => {
    fc.assert(anyScheduleIn(anySettingsWhere(true, [64, 1000, WIDE]), ACTION_NAMES), { seed: 1, numRuns: RUNS / 2 });
  });
});

describe('a schedule', () => {
  it('greets a client that says nothing', () => {
    play({ ...SETTINGS, speaksFirst: true }, []);
  });

  it.each([0, 1, 2, 3, 4])('leaves a client alone that has moved before its thread’s callbacks run (call %i)', (at) => {
    const twice = 16;
    const move = { name: 'move', a: 5, b: 1, at } as const;
    play(SETTINGS, [step('turn'), step('lines', 0, twice), step('fetch', 0), { ...step('serve', 0), inner: move }]);
  });

  it.each([0, 1, 2, 3])('serves a client whose thread hears of it before its move is over (call %i)', (at) => {
    const work = { name: 'work', a: 1, b: 0, at } as const;
    play(SETTINGS, [step('turn'), step('lines', 0), { ...step('move', 5, 1), inner: work }]);
    play(SETTINGS, [step('turn'), step('lines', 0), step('finish', 0), { ...step('move', 5, 1), inner: work }]);
  });

  it.each([0, 1, 2])('counts the end of a client once when its thread dies on the way (call %i)', (at) => {
    const die = { name: 'die', a: 0, b: 0, at } as const;
    play(SETTINGS, [step('turn'), step('finish', 0), step('fetch', 0), { ...step('serve', 0), inner: die }]);
  });

  it('does not read from a client that it has put to rest in the same event', () => {
    // A long reply blocks; then the client reads it and finishes at once: the event says both.
    play(SETTINGS, [step('lines', 0, 41), step('finish', 0)]);
  });

  it('gives back what was kept for the clients of a thread that died', () => {
    const on = play({ ...SETTINGS, sendBuffer: 64 }, [
      step('lines', 0, 181),
      step('turn'),
      step('fetch', 0),
      step('serve', 0),
      step('die', 0),
      step('tell'),
    ]);
    expect(on.deaths).toBe(1);
    expect(on.arena.used).toBe(0);
  });
});
