import { expect, it } from 'vitest';
import { DRAINING, GIVING_WAY } from '../../../src/connection/flags.ts';
import { Turn } from '../../../src/connection/turn/turn.ts';

/** A turn of 5 ms that has begun at 100 ms, and the clients that have left it. */
function begun(looked = 0) {
  const left: number[] = [];
  const looks = { looked, leave: (fd: number) => void left.push(fd) };
  const turn = new Turn(looks, 5);
  turn.begin(100);
  return { turn, looks, left };
}

function client(fd: number, flags = 0, isClear = false) {
  const set: number[] = [];
  return {
    fd,
    set: (flag: number) => void set.push(flag),
    is: (flag: number) => (flags & flag) !== 0,
    flags: set,
    input: { isClear },
  };
}

it('a client that could go on gives way when the turn has lasted 5 ms, and what it has sent counts as come before', () => {
  const { turn, left } = begun();
  const one = client(7);
  expect(turn.giveWay(one, 104.9)).toBe(false);
  expect(turn.giveWay(one, 105)).toBe(true);
  expect([one.flags, left]).toEqual([[GIVING_WAY], [7]]);
});

it('a client of which nothing is left gives way only if the rest of what is being read is its own', () => {
  const { turn } = begun();
  const one = client(7, 0, true);
  expect(turn.giveWay(one, 105)).toBe(false);
  expect(turn.giveWayWithRest(one, 105)).toBe(true);
});

it('clients give way one after the other, each after a share of its own', () => {
  const { turn } = begun();
  expect(turn.isOver(106)).toBe(true);
  expect(turn.isOver(106.2)).toBe(false);
  expect(turn.isOver(106.3)).toBe(true);
});

it('a turn begins anew when clients are served, or when the thread has found that none is ready', () => {
  const { turn, looks } = begun();
  turn.begin(110);
  expect(turn.isOver(114)).toBe(false);
  looks.looked = 120;
  expect(turn.isOver(124)).toBe(false);
  expect(turn.isOver(125)).toBe(true);
});

it('a client that is drained does not give way', () => {
  const { turn, left } = begun();
  const drained = client(7, DRAINING);
  expect(turn.giveWay(drained, 200)).toBe(false);
  expect([drained.flags, left]).toEqual([[], []]);
});
