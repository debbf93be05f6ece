import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionTable, ENDED, NEW, PROXIED } from '../../src/sharing/connection-table.ts';
import {
  BUSY,
  controlWord,
  epochOf,
  EPOCHS,
  FREE,
  MOVING,
  IDLE,
  stateOf,
  threadOf,
} from '../../src/sharing/control-word.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { emptyModel, tableCommands } from '../support/table-commands.ts';
import { messageOf, startWorker } from '../support/test-worker.ts';

const ADDRESS = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

function idle(table: ConnectionTable, fd: number, thread: number): number {
  const generation = table.admit(fd, thread, fd + 100, ADDRESS, 4000 + fd, 0);
  table.settle(fd, generation);
  return generation;
}

describe('ConnectionTable', () => {
  it('does what a simple model does, in any legal order of calls', () => {
    const capacity = 3;
    fc.assert(
      fc.property(tableCommands(capacity), (commands) => {
        fc.modelRun(() => ({ model: emptyModel(capacity), real: ConnectionTable.create(capacity) }), commands);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps an admitted client from everyone until it is settled', () => {
    const table = ConnectionTable.create(4);
    const generation = table.admit(2, 1, 9, ADDRESS, 5, NEW);
    expect(stateOf(table.word(2))).toBe(MOVING);
    expect(table.take(2, generation)).toBe(false);
    table.settle(2, generation);
    expect(table.take(2, generation)).toBe(true);
    expect([stateOf(table.word(2)), threadOf(table.word(2))]).toEqual([BUSY, 1]);
  });

  it('gives a client to a thread that hears of it before it is settled, and lets it keep it', () => {
    const table = ConnectionTable.create(4);
    const generation = table.admit(2, 1, 9, ADDRESS, 5, NEW);
    const older = controlWord(IDLE, 1, epochOf(generation) - 1);
    expect([table.takeReady(2, older), table.takeReady(2, generation)]).toEqual([false, true]);
    table.settle(2, generation);
    expect([stateOf(table.word(2)), table.takeReady(2, generation)]).toEqual([BUSY, false]);
    table.idle(2, generation);
    const moved = table.startMove(2, generation, 3) as number;
    expect([table.takeReady(2, generation), table.takeReady(2, moved)]).toEqual([false, true]);
    table.pin(2, moved);
    table.settle(2, moved);
    expect(table.isPinned(2, moved)).toBe(true);
  });

  it('refuses to admit over a connection that is in use', () => {
    const table = ConnectionTable.create(4);
    idle(table, 3, 0);
    expect(() => table.admit(3, 0, 1, ADDRESS, 1, 0)).toThrow('fd 3 was accepted while its slot is in use');
  });

  it('drops the generation of the client that had the same fd before, on the same thread', () => {
    const table = ConnectionTable.create(4);
    const first = idle(table, 1, 0);
    table.take(1, first);
    table.closing(1, first);
    table.free(1, first, withoutKernel);
    const second = idle(table, 1, 0);
    expect(second).not.toBe(first);
    expect(table.take(1, first)).toBe(false);
    expect(table.take(1, second)).toBe(true);
  });

  it('drops the generation of an earlier stay, also when the client comes back to the same thread', () => {
    const table = ConnectionTable.create(1);
    const first = idle(table, 0, 0);
    const there = table.startMove(0, first, 1) as number;
    table.settle(0, there);
    const back = table.startMove(0, there, 0) as number;
    table.settle(0, back);
    expect(new Set([first, there, back]).size).toBe(3);
    expect([table.take(0, first), table.take(0, there), table.take(0, back)]).toEqual([false, false, true]);
  });

  it('starts the epochs again after the last', () => {
    const table = ConnectionTable.create(1);
    let generation = idle(table, 0, 0);
    const first = generation;
    for (let moves = 0; moves < EPOCHS; moves++) {
      const next = table.startMove(0, generation, 0);
      if (next === undefined) throw new Error(`move ${moves} was refused`);
      table.settle(0, next);
      generation = next;
    }
    expect(epochOf(first)).toBe(1);
    expect(generation).toBe(first);
  });

  it('shows one past the highest fd that was ever admitted', () => {
    const table = ConnectionTable.create(10);
    expect([table.capacity, table.size]).toEqual([10, 0]);
    idle(table, 6, 0);
    idle(table, 2, 0);
    expect(table.size).toBe(7);
    idle(table, 9, 0);
    expect(table.size).toBe(10);
  });

  it('visits the connections of one thread that are in use', () => {
    const table = ConnectionTable.create(8);
    idle(table, 0, 1);
    idle(table, 3, 2);
    const busy = idle(table, 5, 1);
    table.take(5, busy);
    const gone = idle(table, 6, 1);
    table.take(6, gone);
    table.free(6, gone, withoutKernel);
    const seen: [number, number][] = [];
    table.forEach(1, (fd, word) => seen.push([fd, stateOf(word)]));
    expect(seen).toEqual([
      [0, IDLE],
      [5, BUSY],
    ]);
  });

  it('keeps the flags of a client until they are changed, and gives the next client its own', () => {
    const table = ConnectionTable.create(1);
    const generation = table.admit(0, 0, 1, ADDRESS, 1, NEW);
    expect(table.flags(0)).toBe(NEW);
    table.setFlags(0, NEW | ENDED);
    expect(table.flags(0)).toBe(NEW | ENDED);
    table.free(0, generation, withoutKernel);
    table.admit(0, 0, 2, ADDRESS, 1, 0);
    expect(table.flags(0)).toBe(0);
  });

  it('gives what is kept for a client to whoever takes it next, and nothing of it to the next client', () => {
    const table = ConnectionTable.create(3);
    const inbox = { block: 3, capacity: 512, start: 7, end: 300 };
    const outbox = { block: 9, capacity: 1024, start: 0, end: 1000 };
    const neighbour = idle(table, 2, 0);
    const generation = idle(table, 1, 0);
    expect([table.inbox(1), table.outbox(1), table.scanned(1)]).toEqual([undefined, undefined, 0]);
    table.take(1, generation);
    table.save(1, inbox, 293, outbox);
    table.idle(1, generation);
    const other = new ConnectionTable(table.buffer);
    expect([other.inbox(1), other.scanned(1), other.outbox(1)]).toEqual([inbox, 293, outbox]);
    expect([other.inbox(2), other.outbox(2), other.word(2)]).toEqual([undefined, undefined, neighbour]);
    table.save(1, undefined, 0, outbox);
    expect([other.inbox(1), other.outbox(1)]).toEqual([undefined, outbox]);
    table.free(1, generation, withoutKernel);
    idle(table, 1, 0);
    expect([table.inbox(1), table.outbox(1), table.scanned(1)]).toEqual([undefined, undefined, 0]);
  });

  it('can be told who the client really is', () => {
    const table = ConnectionTable.create(8);
    table.admit(3, 0, 1, ADDRESS, 80, PROXIED);
    table.setAddress(3, ADDRESS.toReversed(), 443);
    expect([table.address(3), table.port(3), table.id(3), table.flags(3)]).toEqual([
      ADDRESS.toReversed(),
      443,
      1,
      PROXIED,
    ]);
  });

  it('gives a copy of the address', () => {
    const table = ConnectionTable.create(2);
    idle(table, 0, 0);
    table.address(0).fill(0);
    expect(table.address(0)).toEqual(ADDRESS);
  });

  it('is the same table for whoever has the buffer', () => {
    const table = ConnectionTable.create(2);
    const generation = idle(table, 1, 3);
    const other = new ConnectionTable(table.buffer);
    expect([other.capacity, other.id(1), other.port(1)]).toEqual([2, 101, 4001]);
    expect(other.take(1, generation)).toBe(true);
    expect(table.take(1, generation)).toBe(false);
  });
});

/**
 * Takes the connection `data.wins` times. The counter is read and written without atomics, with some work between: two
 * owners at a time would lose counts.
 */
const TAKER = `
  const { ConnectionTable } = await load('sharing/connection-table.ts');
  const { IDLE, stateOf, threadOf, withState } = await load('sharing/control-word.ts');
  const table = new ConnectionTable(data.table);
  for (let wins = 0; wins < data.wins; ) {
    const generation = withState(table.word(0), IDLE);
    if (threadOf(generation) !== data.thread || !table.take(0, generation)) continue;
    const count = data.counter[0];
    for (let spin = wins % 50; spin > 0; spin--) data.counter[1] = spin;
    data.counter[0] = count + 1;
    if (wins++ % 3 === 0) table.pin(0, generation);
    table.idle(0, generation);
  }
  Atomics.add(data.done, 0, 1);`;

const MOVER = `
  const { ConnectionTable } = await load('sharing/connection-table.ts');
  const { IDLE, withState } = await load('sharing/control-word.ts');
  const table = new ConnectionTable(data.table);
  let moves = 0;
  while (Atomics.load(data.done, 0) < 2) {
    const moved = table.startMove(0, withState(table.word(0), IDLE), moves % 2);
    if (moved === undefined) continue;
    data.counter[0] = data.counter[0] + 1;
    moves++;
    table.settle(0, moved);
  }
  post(moves);`;

describe('a connection that two threads and the migrator want', () => {
  it('is in the hands of one at a time', async () => {
    const table = ConnectionTable.create(1);
    idle(table, 0, 0);
    const wins = 20_000;
    const counter = new Int32Array(new SharedArrayBuffer(8));
    const data = { table: table.buffer, counter, done: new Int32Array(new SharedArrayBuffer(4)), wins };
    startWorker(TAKER, { ...data, thread: 0 });
    startWorker(TAKER, { ...data, thread: 1 });
    const moves = await messageOf<number>(startWorker(MOVER, data));
    expect(moves).toBeGreaterThan(2);
    expect(counter[0]).toBe(2 * wins + moves);
    expect(stateOf(table.word(0))).toBe(IDLE);
  });

  it('goes to exactly one of two threads that hold the same generation', async () => {
    const rounds = 5000;
    const table = ConnectionTable.create(rounds);
    const tickets = Int32Array.from({ length: rounds }, (_, fd) => idle(table, fd, 0));
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const body = `
      const { ConnectionTable } = await load('sharing/connection-table.ts');
      const table = new ConnectionTable(data.table);
      Atomics.add(data.gate, 0, 1);
      while (Atomics.load(data.gate, 0) < 2);
      let won = 0;
      data.tickets.forEach((generation, fd) => { if (table.take(fd, generation)) won++; });
      post(won);`;
    const data = { table: table.buffer, tickets, gate };
    const won = await Promise.all([1, 2].map(() => messageOf<number>(startWorker(body, data))));
    expect((won[0] as number) + (won[1] as number)).toBe(rounds);
    for (let fd = 0; fd < rounds; fd++) expect(stateOf(table.word(fd))).not.toBe(FREE);
  });
});
