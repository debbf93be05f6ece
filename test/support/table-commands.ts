/** A simple model of the ConnectionTable, and commands that do the same to both in any legal order. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { ConnectionTable, Generation } from '../../src/sharing/connection-table.ts';
import {
  BUSY,
  CLOSING,
  controlWord,
  EPOCHS,
  FREE,
  PINNED,
  MOVING,
  IDLE,
  type State,
} from '../../src/sharing/control-word.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';

interface ModelSlot {
  state: State;
  thread: number;
  epoch: number;
  /** The generation that is good now, or will be once it is settled; 0 before the first. */
  generation: Generation;
  /** Every generation that was good once. */
  stale: Generation[];
  id: number;
  port: number;
  flags: number;
  address: Uint8Array;
}

export type TableModel = ModelSlot[];
type Command = fc.Command<TableModel, ConnectionTable>;

export function emptyModel(capacity: number): TableModel {
  return Array.from({ length: capacity }, () => ({
    state: FREE,
    thread: 0,
    epoch: 0,
    generation: 0,
    stale: [],
    id: 0,
    port: 0,
    flags: 0,
    address: new Uint8Array(16),
  }));
}

function expectSame(model: TableModel, table: ConnectionTable): void {
  model.forEach((slot, fd) => {
    expect(table.word(fd)).toBe(controlWord(slot.state, slot.thread, slot.epoch));
    const { id, port, flags } = slot;
    expect({ id: table.id(fd), port: table.port(fd), flags: table.flags(fd) }).toEqual({ id, port, flags });
    expect(table.address(fd)).toEqual(slot.address);
  });
}

/** A command on `fd` that is legal in `states`; `act` does it to both. */
function command(
  name: string,
  fd: number,
  states: readonly State[],
  act: (slot: ModelSlot, table: ConnectionTable) => void,
): Command {
  return {
    check: (model) => states.includes((model[fd] as ModelSlot).state),
    run: (model, table) => {
      act(model[fd] as ModelSlot, table);
      expectSame(model, table);
    },
    toString: () => `${name}(${fd})`,
  };
}

/** The acceptor gives the connection another generation: a new epoch, and the old generation is worth nothing any more. */
function enter(slot: ModelSlot, thread: number): void {
  if (slot.generation !== 0) slot.stale.push(slot.generation);
  slot.epoch = (slot.epoch + 1) % EPOCHS;
  slot.thread = thread;
  slot.generation = controlWord(IDLE, thread, slot.epoch);
}

const anyFd = (capacity: number) => fc.nat({ max: capacity - 1 });
const anyThread = fc.integer({ min: 0, max: 511 });

function admit(capacity: number) {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  return fc
    .tuple(anyFd(capacity), anyThread, id, bytes, fc.nat({ max: 65535 }), fc.nat({ max: 1 }))
    .map(([fd, thread, itsId, address, port, flags]) =>
      command('admit', fd, [FREE], (slot, table) => {
        enter(slot, thread);
        Object.assign(slot, { state: MOVING, id: itsId, address, port, flags });
        expect(table.admit(fd, thread, itsId, address, port, flags)).toBe(slot.generation);
      }),
    );
}

function startMove(capacity: number) {
  return fc.tuple(anyFd(capacity), anyThread).map(([fd, thread]) =>
    command('startMove', fd, [IDLE], (slot, table) => {
      const from = slot.generation;
      slot.state = MOVING;
      enter(slot, thread);
      expect(table.startMove(fd, from, thread)).toBe(slot.generation);
      expect(table.word(fd)).toBe(controlWord(MOVING, slot.thread, slot.epoch));
      table.settle(fd, slot.generation);
      slot.state = IDLE;
    }),
  );
}

const refusals = (slot: ModelSlot, fd: number, generation: Generation, table: ConnectionTable): void => {
  expect(table.take(fd, generation)).toBe(false);
  expect(table.startMove(fd, generation, slot.thread)).toBeUndefined();
};

const ALL: readonly State[] = [FREE, IDLE, BUSY, PINNED, MOVING, CLOSING];
const NOT_IDLE = ALL.filter((state) => state !== IDLE);

/** Changes of state on a connection that somebody has. */
function changes(fd: number): Command[] {
  const to = (
    name: string,
    states: readonly State[],
    state: State,
    act: (generation: Generation, table: ConnectionTable) => void,
  ) =>
    command(name, fd, states, (slot, table) => {
      slot.state = state;
      act(slot.generation, table);
    });
  return [
    to('settle', [MOVING], IDLE, (generation, table) => table.settle(fd, generation)),
    to('take', [IDLE], BUSY, (generation, table) => expect(table.take(fd, generation)).toBe(true)),
    to('takeReady', [IDLE, MOVING], BUSY, (generation, table) => expect(table.takeReady(fd, generation)).toBe(true)),
    to('rest', [BUSY, PINNED], IDLE, (generation, table) => table.idle(fd, generation)),
    to('hold', [BUSY, PINNED], PINNED, (generation, table) => table.pin(fd, generation)),
    to('closing', [BUSY, PINNED, MOVING], CLOSING, (generation, table) => table.closing(fd, generation)),
    to('free', [CLOSING], FREE, (generation, table) => table.free(fd, generation, withoutKernel)),
  ];
}

/** Calls that must not change the control word. */
function questions(fd: number): Command[] {
  return [
    command('refuse', fd, NOT_IDLE, (slot, table) => {
      if (slot.generation !== 0) refusals(slot, fd, slot.generation, table);
    }),
    command('holds', fd, ALL, (slot, table) => expect(table.isPinned(fd, slot.generation)).toBe(slot.state === PINNED)),
    command('stale', fd, ALL, (slot, table) => {
      for (const generation of slot.stale) {
        refusals(slot, fd, generation, table);
        expect(table.isPinned(fd, generation)).toBe(false);
      }
    }),
    command('setFlags', fd, [BUSY], (slot, table) => {
      slot.flags ^= 3;
      table.setFlags(fd, slot.flags);
    }),
  ];
}

/** Everything that may be done to a table of `capacity` slots. */
export function tableCommands(capacity: number): fc.Arbitrary<Iterable<Command>> {
  const onFd = (commandsOf: (fd: number) => Command[]) =>
    anyFd(capacity).chain((fd) => fc.constantFrom(...commandsOf(fd)));
  return fc.commands([admit(capacity), startMove(capacity), onFd(changes), onFd(questions)], {
    maxCommands: 200,
    size: 'max',
  });
}
