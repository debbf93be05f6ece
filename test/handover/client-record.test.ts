import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClientRecord, decodeRecord, encodeRecord, recordOf } from '../../src/handover/client-record.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { AS_BYTES, AS_JSON, FRAMING, SERVICE, writeStateHeader } from '../../src/connection/state/state-block.ts';
import { BLOCKING, type ClientKind, COMPUTING, LIGHT, NEWCOMER } from '../../src/sharing/client-kind.ts';
import {
  COUNTED,
  ConnectionTable,
  ENDED,
  NEW,
  OUTPUT_OVER,
  PROXIED,
  WORK_LEFT,
} from '../../src/sharing/connection-table.ts';
import { RECORD } from './record.ts';

const time = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const kept = fc.integer({ min: 0, max: 2 ** 24 });
const records: fc.Arbitrary<ClientRecord> = fc.record({
  id: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  port: fc.nat({ max: 65535 }),
  mode: fc.nat({ max: 65535 }),
  flags: fc
    .subarray([NEW, ENDED, PROXIED, WORK_LEFT, OUTPUT_OVER])
    .map((flags) => flags.reduce((sum, flag) => sum | flag, 0)),
  lastActivity: time,
  messageStartedAt: time,
  writeStalledAt: time,
  idleTimeout: fc.nat(2 ** 31 - 1),
  kind: fc.constantFrom(NEWCOMER, LIGHT, COMPUTING, BLOCKING),
  cost: fc.nat(),
  costAt: time,
  meanCost: fc.nat(),
  inbox: kept,
  outbox: kept,
  state: kept,
});

describe('a record', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it('that is cut off anywhere, or longer, is none', () => {
    fc.assert(
      fc.property(records, fc.uint8Array({ minLength: 1, maxLength: 8 }), (record, more) => {
        const bytes = encodeRecord(record);
        for (let end = 0; end < bytes.length; end++) expect(decodeRecord(bytes.subarray(0, end))).toBeUndefined();
        expect(decodeRecord(Buffer.concat([bytes, more]))).toBeUndefined();
      }),
    );
  });

  it('with flags, lengths or a number that no client has is none', () => {
    expect(decodeRecord(encodeRecord(RECORD))).toEqual(RECORD);
    for (const bad of [
      { flags: COUNTED },
      { inbox: 2 ** 24 + 1 },
      { outbox: 2 ** 32 - 1 },
      { state: 2 ** 24 + 1 },
      { id: 0.5 },
      { id: -1 },
      { cost: -1 },
      { meanCost: -1 },
      { kind: 4 as ClientKind },
    ]) {
      expect(decodeRecord(encodeRecord({ ...RECORD, ...bad }))).toBeUndefined();
    }
  });

  it('has what the table knows', () => {
    const table = ConnectionTable.create(8);
    const address = Uint8Array.from({ length: 16 }, (_, index) => index);
    table.admit(3, 0, 42, address, 4711, NEW);
    table.setMode(3, 0xfedc);
    table.setLastActivity(3, 1);
    table.setMessageStartedAt(3, 2);
    table.setWriteStalledAt(3, -3);
    table.setIdleTimeout(3, 90_000);
    table.save(3, { block: 1, capacity: 256, start: 10, end: 30 }, 5, { block: 2, capacity: 256, start: 0, end: 9 });
    table.setKind(3, COMPUTING);
    table.setCost(3, 70_000, -5, 60_000);
    const arena = Arena.create(2 ** 16);
    const block = arena.allocate(100, 0);
    writeStateHeader(arena.bytes, arena.offset(block), SERVICE, AS_JSON, 30);
    writeStateHeader(arena.bytes, arena.offset(block), FRAMING, AS_BYTES, 7);
    table.setClientState(3, block);
    const cost = { kind: COMPUTING, cost: 70_000, costAt: -5, meanCost: 60_000 };
    const known = {
      ...cost,
      id: 42,
      address,
      port: 4711,
      mode: 0xfedc,
      flags: NEW,
      lastActivity: 1,
      messageStartedAt: 2,
      writeStalledAt: -3,
      idleTimeout: 90_000,
      inbox: 20,
      outbox: 9,
      state: 45,
    };
    expect(recordOf(table, arena, 3)).toEqual(known);
  });
});
