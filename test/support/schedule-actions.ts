/** The steps that a schedule is made of. What does not apply when its turn comes does nothing. */
import { KINDS, type Kind, type LineClient } from './line-client.ts';
import type { Schedule } from './schedule.ts';

/** The most threads at a time. The board has rows for as many again, for those that are gone and not cleared. */
export const MOST_THREADS = 3;
export const ROWS = 2 * MOST_THREADS;
export const FDS = 64;

export interface Action {
  readonly name: ActionName;
  readonly a: number;
  readonly b: number;
}

/** `inner` is done by others when this step comes to its system call number `at`. */
export interface Step extends Action {
  readonly inner: (Action & { readonly at: number }) | undefined;
}

const pick = <T>(from: readonly T[], which: number): T | undefined => from[which % Math.max(1, from.length)];
const kindFor = (b: number): Kind => KINDS[Math.min(b >> 4, 15) % 16 < 11 ? b % 6 : b % KINDS.length] as Kind;

function clientAt(on: Schedule, which: number): LineClient | undefined {
  return pick(on.clients, which);
}

export const ACTIONS = {
  connect: (on: Schedule) => on.connect(),
  part: (on: Schedule, a: number, b: number) => {
    const its = clientAt(on, a);
    if (its?.canSend) its.sendPart(kindFor(b), 1 + (b % 7));
  },
  lines: (on: Schedule, a: number, b: number) => {
    const its = clientAt(on, a);
    const kinds = Array.from({ length: 1 + (b % 4) }, (_, index) => kindFor((b * 7 + index * 53) & 255));
    if (its?.canSend) its.sendLines(kinds);
  },
  stop: (on: Schedule, a: number) => {
    const its = clientAt(on, a);
    if (its !== undefined) its.reads = false;
  },
  read: (on: Schedule, a: number) => {
    const its = clientAt(on, a);
    if (its !== undefined) its.reads = true;
  },
  finish: (on: Schedule, a: number) => {
    const its = clientAt(on, a);
    if (its?.canSend) its.finish();
  },
  reset: (on: Schedule, a: number) => {
    const its = clientAt(on, a);
    if (its !== undefined && !its.hasReset) its.reset();
  },
  fetch: (on: Schedule, a: number) => pick(on.alive, a)?.fetch(),
  serve: (on: Schedule, a: number) => pick(on.alive, a)?.serve(),
  work: (on: Schedule, a: number) => {
    pick(on.alive, a)?.fetch();
    pick(on.alive, a)?.serve();
  },
  settle: (on: Schedule, a: number, b: number) => pick(on.alive, a)?.settle(b),
  timers: (on: Schedule, a: number) => pick(on.alive, a)?.runTimers(on.time),
  turn: (on: Schedule) => on.turn(),
  wait: (on: Schedule, a: number, b: number) => {
    on.time += b > 250 ? 1100 : 1 + (a % 6);
  },
  move: (on: Schedule, a: number, b: number) => {
    const to = pick(on.alive, b);
    if (to !== undefined) on.move(3 + (a % (FDS - 3)), to);
  },
  expensive: (on: Schedule, a: number) => on.makeExpensive(3 + (a % (FDS - 3))),
  surprise: (on: Schedule) => on.registry.surprise(on.time),
  die: (on: Schedule, a: number) => on.die(pick(on.alive, a)),
  tell: (on: Schedule) => on.tell(),
  start: (on: Schedule, a: number) => {
    if (on.hasRow) on.start(a % ROWS);
  },
  retire: (on: Schedule, a: number) => on.retire(a % ROWS),
  busy: (on: Schedule, a: number, b: number) => on.setBusy(a % ROWS, (b % 11) / 10),
  unwatchable: (on: Schedule) => {
    on.kernel.unwatchable = 1;
    on.wasShort = true;
  },
};

export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as ActionName[];
