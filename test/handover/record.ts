import type { ClientRecord } from '../../src/handover/client-record.ts';
import { NEWCOMER } from '../../src/sharing/client-kind.ts';

/** A client of whom nothing is kept. */
export const RECORD: ClientRecord = {
  id: 7,
  address: new Uint8Array(16),
  port: 1,
  mode: 0,
  flags: 0,
  lastActivity: 0,
  messageStartedAt: 0,
  writeStalledAt: 0,
  idleTimeout: 0,
  kind: NEWCOMER,
  cost: 0,
  costAt: 0,
  meanCost: 0,
  inbox: 0,
  outbox: 0,
  state: 0,
};
