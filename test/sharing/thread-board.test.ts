import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOSE_REASONS } from '../../src/sharing/close-reason.ts';
import { bucketOf, BUCKETS, toMicroseconds } from '../../src/sharing/latency-buckets.ts';
import {
  ABSENT,
  PARKED,
  RUNNING,
  ThreadBoard,
  type ThreadRow,
  type ThreadState,
  zeroCounters,
} from '../../src/sharing/thread-board.ts';
import { runWorker } from '../support/test-worker.ts';

/** Not 0: where a row has only that, it cannot be told from one that was never written. */
const number = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((value) => value !== 0);
const amount = fc.integer({ min: 1, max: 1_000_000 });

/** Each way to write a row, with a value. */
const writing = fc.oneof(
  fc.constantFrom<ThreadState>(RUNNING, PARKED).map((state) => (row: ThreadRow) => void (row.state = state)),
  number.map((fd) => (row: ThreadRow) => void (row.epollFd = fd)),
  number.map((tid) => (row: ThreadRow) => void (row.tid = tid)),
  fc.constant((row: ThreadRow) => void (row.speaksFirst = true)),
  number.map((fd) => (row: ThreadRow) => row.beat(fd)),
  amount.map((count) => (row: ThreadRow) => row.addClients(count)),
  amount.map((bytes) => (row: ThreadRow) => row.countReceived(bytes)),
  amount.map((bytes) => (row: ThreadRow) => row.countSent(bytes)),
  fc.tuple(amount, fc.nat({ max: 0x7fffffff })).map(([messages, microseconds]) => {
    return (row: ThreadRow) => row.countMessages(messages, microseconds);
  }),
  fc.constantFrom(...CLOSE_REASONS).map((reason) => (row: ThreadRow) => row.countClose(reason)),
  fc.constant((row: ThreadRow) => row.waker.wake()),
);

describe('ThreadBoard', () => {
  it('keeps each row on cache lines of its own, whatever is written', () => {
    const threads = 3;
    fc.assert(
      fc.property(fc.nat({ max: threads - 1 }), fc.array(writing, { minLength: 1 }), (thread, writings) => {
        const board = ThreadBoard.create(threads);
        for (const write of writings) write(board.row(thread));
        const size = board.buffer.byteLength / (threads + 1); // The waiting room has one, too.
        expect(size % 64).toBe(0);
        const bytes = new Uint8Array(board.buffer);
        expect(bytes.some((byte) => byte !== 0)).toBe(true);
        bytes.fill(0, thread * size, (thread + 1) * size);
        expect(bytes.every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  it('keeps each field of a row apart from the others', () => {
    const row = ThreadBoard.create(2).row(1);
    row.state = PARKED;
    row.epollFd = 11;
    row.tid = 12;
    row.speaksFirst = true;
    row.addClients(13);
    row.beat(14);
    row.waker.wake();
    row.waker.wake();
    const { state, epollFd, tid, speaksFirst, clients, currentFd, heartbeat } = row;
    expect([state, epollFd, tid, speaksFirst, clients, currentFd, heartbeat]).toEqual([
      PARKED,
      11,
      12,
      true,
      13,
      14,
      1,
    ]);
    expect(row.waker.count).toBe(2);
  });

  it('changes the state only from the one that was expected', () => {
    const row = ThreadBoard.create(1).row(0);
    expect(row.state).toBe(ABSENT);
    row.state = RUNNING;
    expect([row.changeState(PARKED, RUNNING), row.state]).toEqual([false, RUNNING]);
    expect([row.changeState(RUNNING, PARKED), row.state]).toEqual([true, PARKED]);
  });

  it('advances the heartbeat at each beat', () => {
    const row = ThreadBoard.create(1).row(0);
    const seen = [3, 4, -1].map((fd) => {
      row.beat(fd);
      return [row.heartbeat, row.currentFd];
    });
    expect(seen).toEqual([
      [1, 3],
      [2, 4],
      [3, -1],
    ]);
  });

  it('counts messages, bytes, closes and latencies of one thread', () => {
    const board = ThreadBoard.create(1);
    const row = board.row(0);
    row.countMessages(3, 500);
    row.countMessages(1, 2_000_000);
    row.countReceived(2 ** 40);
    row.countReceived(1);
    row.countSent(7);
    for (const [index, reason] of CLOSE_REASONS.entries()) {
      for (let times = 0; times <= index; times++) row.countClose(reason);
    }
    const expected = zeroCounters();
    Object.assign(expected, { messages: 4, receivedBytes: 2 ** 40 + 1, sentBytes: 7 });
    for (const [index, reason] of CLOSE_REASONS.entries()) expected.closes[reason] = index + 1;
    expected.latency[bucketOf(500)] = 3;
    expected.latency[bucketOf(2_000_000)] = 1;
    expect(board.total()).toEqual(expected);
  });

  it('counts the shortest and the longest duration inside its row', () => {
    const board = ThreadBoard.create(2);
    for (const row of board.rows) {
      row.countMessages(1, 0);
      row.countMessages(1, toMicroseconds(Infinity));
    }
    const { latency } = board.total();
    expect([latency[0], latency[bucketOf(toMicroseconds(Infinity))], latency.length]).toEqual([2, 2, BUCKETS]);
    expect(latency.reduce((sum, count) => sum + count)).toBe(4);
  });

  it('counts waits by reads and responses by messages', () => {
    const board = ThreadBoard.create(1);
    board.row(0).countWait(300);
    board.row(0).countResponses(5, 700);
    const { response, wait } = board.total();
    expect([wait[bucketOf(300)], response[bucketOf(700)]]).toEqual([1, 5]);
    expect([...wait, ...response].reduce((sum, count) => sum + count)).toBe(6);
  });

  it('knows the longest response of the last minute, and of no longer', () => {
    const row = ThreadBoard.create(1).row(0);
    const longest: number[] = [];
    for (const [now, response] of [
      [1_000, 900],
      [2_000, 400],
      [15_000, 500],
      [55_000, 100],
      [65_000, 100],
      [75_000, 100],
      [135_000, 0],
    ] as const) {
      row.turnWindow(now);
      row.countResponses(1, response);
      longest.push(row.longestResponse(now));
    }
    expect(longest).toEqual([900, 900, 900, 900, 500, 100, 0]);
  });

  it('adds up all rows, and never falls when a thread is replaced', () => {
    const board = ThreadBoard.create(3);
    board.rows.forEach((row, index) => row.countSent(10 ** index));
    board.row(1).state = ABSENT;
    const successor = new ThreadBoard(board.buffer).row(1);
    successor.countSent(1000);
    expect(board.total().sentBytes).toBe(1111);
  });

  it('starts with nothing counted', () => {
    expect(ThreadBoard.create(2).total()).toEqual(zeroCounters());
  });

  it('refuses a thread that is not on it, and more threads than a control word can name', () => {
    expect(() => ThreadBoard.create(2).row(3)).toThrow(new RangeError('no thread 3 on a board of 2'));
    expect(() => ThreadBoard.create(512)).toThrow(RangeError);
    expect(ThreadBoard.create(511).rows).toHaveLength(511);
  });

  it('has one row more, the waiting room, which is no thread but has a number and counts', () => {
    const board = ThreadBoard.create(2);
    const room = board.row(2);
    expect([room === board.waitingRoom, board.rows.includes(room), room.number]).toEqual([true, false, 0]);
    room.addClients(2);
    board.row(0).addClients(1);
    room.countSent(5);
    expect([board.clients, board.total().sentBytes]).toEqual([3, 5]);
  });

  it('counts clients exactly when several threads change them', async () => {
    const board = ThreadBoard.create(2);
    const body = `
      const { ThreadBoard } = await load('sharing/thread-board.ts');
      const row = new ThreadBoard(data.board).row(1);
      for (let times = 0; times < 20000; times++) row.addClients(times % 4 === 3 ? -1 : 1);`;
    await Promise.all([1, 2].map(() => runWorker(body, { board: board.buffer })));
    expect([board.row(0).clients, board.row(1).clients]).toEqual([0, 20_000]);
  });
});
