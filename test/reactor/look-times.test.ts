import { beforeEach, describe, expect, it } from 'vitest';
import { LookTimes } from '../../src/reactor/look-times.ts';
import { sharedTenths } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';

const FD = 3;
const NONE = new Uint8Array(16);

let row: ThreadRow;
let table: ConnectionTable;
let looks: LookTimes;
let unread: number;

beforeEach(() => {
  row = ThreadBoard.create(1).row(0);
  table = ConnectionTable.create(8);
  table.admit(FD, 0, 1, NONE, 1, 0);
  unread = 0;
  looks = new LookTimes(row, table, () => unread);
});

/** The floor of a client that is served now. */
function floor(): number {
  looks.serve(FD);
  return looks.floor;
}

describe('the floor of what a look has found', () => {
  it('is the return of a look that slept', () => {
    looks.foundNothing(100);
    looks.found(105, true, false);
    expect(floor()).toBe(105);
  });

  it('is the last look that had found all there was, where nothing slept', () => {
    looks.found(100, true, false);
    looks.found(300, false, true);
    looks.found(340, false, false);
    expect(floor()).toBe(100);
    looks.found(350, false, false);
    expect(floor()).toBe(340);
  });

  it('is a look that had found nothing', () => {
    looks.foundNothing(200);
    looks.found(201, false, false);
    expect(floor()).toBe(200);
  });

  it('is what the acceptor says of a thread that was parked', () => {
    looks.foundNothing(100);
    row.rungFrom = sharedTenths(5_000);
    looks.woken(5_003);
    looks.found(5_004, false, false);
    expect(floor()).toBeCloseTo(5_000, 0);
  });

  it('is the end of a sleep that something else than a client has ended', () => {
    row.rungFrom = sharedTenths(50);
    looks.foundNothing(100);
    looks.woken(5_003);
    looks.found(5_004, false, false);
    expect(floor()).toBe(5_003);
  });
});

describe('the floor of a client that was moved off a blocked thread', () => {
  it('is that of the blocked thread, once', () => {
    looks.foundNothing(1_000);
    table.setArrivedFrom(FD, sharedTenths(400), sharedTenths(1_002));
    looks.found(1_003, true, false);
    expect(floor()).toBeCloseTo(400, 0);
    expect(floor()).toBe(1_003);
  });

  it('does not count where a look after the move has found nothing', () => {
    table.setArrivedFrom(FD, sharedTenths(400), sharedTenths(1_002));
    looks.foundNothing(1_100);
    looks.found(1_200, false, false);
    expect(floor()).toBe(1_100);
  });
});

it('a client that blocks its thread and then asks again has not waited for its own message', () => {
  looks.found(1_000, false, false);
  looks.hasBlocked(FD, 1_200);
  looks.found(1_201, false, false);
  expect(floor()).toBeCloseTo(1_200, 0);
});

it('nor has it where it went to the waiting room in between', () => {
  looks.found(1_000, true, false);
  looks.serve(FD);
  looks.hasBlocked(FD, 1_200);
  looks.leave(FD, false);
  expect(table.arrivedFrom(FD)).toBe(sharedTenths(1_200));
});

it('a client that goes to the waiting room takes along since when its next message may have waited', () => {
  looks.found(1_000, true, false);
  looks.serve(FD);
  looks.leave(FD, true);
  looks.found(2_000, true, false);
  expect([table.arrivedFrom(FD), table.movedAt(FD)]).toEqual([sharedTenths(1_000), sharedTenths(1_000)]);
});
