import { expect, it } from 'vitest';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { BUSY, PINNED, stateOf } from '../../src/sharing/control-word.ts';
import { PinnedTable } from '../../src/streams/pinned-table.ts';

function admitted() {
  const table = ConnectionTable.create(8);
  const held = new PinnedTable(table.buffer);
  const generation = table.admit(5, 1, 1, new Uint8Array(16), 0, 0);
  table.settle(5, generation);
  return { table, held, generation };
}

it('holds a connection that its thread gives up: nobody else can move or take it, its thread can', () => {
  const { table, held, generation } = admitted();
  expect(held.take(5, generation)).toBe(true);
  expect(stateOf(table.word(5))).toBe(BUSY);
  held.idle(5, generation);
  expect(stateOf(table.word(5))).toBe(PINNED);
  expect([table.startMove(5, generation, 0), table.take(5, generation)]).toEqual([undefined, false]);
  expect(held.take(5, generation)).toBe(true);
});

it('does not take what has moved to another thread before its first event', () => {
  const { table, held, generation } = admitted();
  const moved = table.startMove(5, generation, 0) as number;
  table.settle(5, moved);
  expect(held.take(5, generation)).toBe(false);
});
