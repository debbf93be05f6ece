import { describe, expect, it } from 'vitest';
import { Watchdog } from '../../src/reactor/watchdog.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { EINVAL } from '../../src/sys/errno.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { sys } from '../support/loopback.ts';

const FD = 42;

function watchdog(answers: readonly number[]) {
  const flaky = flakySys(sys, { timerfdSet: answers });
  const row = ThreadBoard.create(1).row(0);
  row.timerFd = FD;
  return { dog: new Watchdog(flaky.sys, row, 5), row, set: () => flaky.calls('timerfdSet') };
}

describe('Watchdog', () => {
  it('puts the timer off, but not again before a quarter of its time is over', () => {
    const { dog, row, set } = watchdog([0, 0, 0]);
    for (const now of [100, 101, 101.2, 101.25, 102, 110]) dog.putOff(now);
    expect(set()).toEqual([
      [FD, 5],
      [FD, 5],
      [FD, 5],
    ]);
    expect(row.isGuarded).toBe(true);
  });

  it('says that the timer runs before it starts it: what the acceptor says when it has run out comes later', () => {
    const row = ThreadBoard.create(1).row(0);
    const seen: boolean[] = [];
    new Watchdog({ timerfdSet: () => seen.push(row.isGuarded) }, row, 5).putOff(0);
    expect(seen).toEqual([true]);
  });

  it('does not say that a timer runs which could not be started', () => {
    const { dog, row } = watchdog([EINVAL]);
    dog.putOff(100);
    expect(row.isGuarded).toBe(false);
  });
});
