import { expect, it } from 'vitest';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { BUSY, HELD, stateOf } from '../../src/sharing/control-word.ts';
import { HeldTable } from '../../src/thread/held-table.ts';

function admitted() {
  const table = ConnectionTable.create(8);
  const held = new HeldTable(table.buffer);
  const ticket = table.admit(5, 1, 1, new Uint8Array(16), 0, 0);
  table.settle(5, ticket);
  return { table, held, ticket };
}

it('holds a connection that its thread gives up: nobody else can move or take it, its thread can', () => {
  const { table, held, ticket } = admitted();
  expect(held.take(5, ticket)).toBe(true);
  expect(stateOf(table.word(5))).toBe(BUSY);
  held.rest(5, ticket);
  expect(stateOf(table.word(5))).toBe(HELD);
  expect([table.startMove(5, ticket, 0), table.take(5, ticket)]).toEqual([undefined, false]);
  expect(held.take(5, ticket)).toBe(true);
});

it('does not take what has moved to another thread before its first event', () => {
  const { table, held, ticket } = admitted();
  const moved = table.startMove(5, ticket, 0) as number;
  table.settle(5, moved);
  expect(held.take(5, ticket)).toBe(false);
});
