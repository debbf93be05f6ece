import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/admin/control/client-filter.ts';
import type { ClosedClient } from '../../../src/admin/control/closed-clients.ts';
import type { ListedClient } from '../../../src/admin/control/client-list.ts';

const CLIENT: ListedClient = {
  id: 7,
  address: '10.1.2.3',
  port: 4711,
  thread: 3,
  state: 'pinned',
  pinned: 'session',
  ageMs: 90_000,
  idleMs: 61_000,
  kept: 70_000,
  moves: 2,
  cost: 'light',
};

const LEFT = {
  id: 8,
  address: 'unix',
  port: 0,
  thread: 1,
  reason: 'kicked',
  by: 'operator',
  state: 'closed',
} as ClosedClient;

describe('a filter of clients', () => {
  it.each([
    ['', true],
    ['id=7', true],
    ['id!=7', false],
    ['idle>1m', true],
    ['idle>1m and thread=3', true],
    ['idle>1m AND thread=4', false],
    ['age<=90s', true],
    ['kept>64KiB', true],
    ['kept<64KiB', false],
    ['moves>=2', true],
    ['address=10.1.2.3', true],
    ['address=10.0.0.0/8', true],
    ['address!=10.0.0.0/8', false],
    ['address=unix', false],
    ['state=pinned and pinned=session', true],
    ['pinned=tls', false],
    ['stalled>0', false],
    ['state!=idle', true],
  ])('%j takes the client: %s', (text, isTaken) => {
    expect(parseFilter(text)(CLIENT)).toBe(isTaken);
  });

  it('never takes a client for a field that the client does not have', () => {
    const { pinned: _pinned, idleMs: _idle, ...busy } = CLIENT;
    for (const text of ['pinned!=tls', 'pinned=tls', 'stalled!=5m', 'idle!=1s', 'idle<1h'])
      expect(parseFilter(text)(busy), text).toBe(false);
  });

  it.each([
    ['reason=kicked and by!=client', true],
    ['reason!=kicked', false],
    ['thread=1 and address=unix', true],
  ])('%j takes the client that has left: %s', (text, isTaken) => {
    expect(parseFilter(text, 'closed')(LEFT)).toBe(isTaken);
  });

  it.each([
    ['idle>1m', '“idle” is known of connected clients only'],
    ['reason=bored', 'reason cannot be “bored”: take one of client-finished'],
    ['name=x', 'take one of address, id, thread, port, reason, by'],
  ])('%j is refused of clients that have left: %s', (text, message) => {
    expect(() => parseFilter(text, 'closed')).toThrow(RangeError);
    expect(() => parseFilter(text, 'closed')).toThrow(message);
  });

  it.each([
    ['state!=x', 'state cannot be “x”: take one of idle, busy, pinned, moving, closing'],
    ['pinned=sesion', 'pinned cannot be “sesion”: take one of session, tls, handler'],
    ['cost!=cheap', 'cost cannot be “cheap”'],
    ['reason!=x', '“reason” is known of clients that have left only (heddle clients --closed)'],
    ['id=x', 'id cannot be “x”: write it such as id=3'],
    ['idle', 'no condition'],
    ['idle>', 'no condition'],
    ['idle>1 month', 'no condition'],
    ['idle>soon', 'idle cannot be “soon”: write it such as idle>1m'],
    ['kept>x', 'write it such as kept>64KiB'],
    ['state>idle', 'state is compared by = and != only'],
    ['name=x', '“name” is nothing to choose clients by: take one of address, id'],
    ['constructor=1', 'nothing to choose clients by'],
    ['address=10.0.0.1/8', 'is no address and no network'],
    ['id=7 and', 'no condition'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseFilter(text)).toThrow(RangeError);
    expect(() => parseFilter(text)).toThrow(message);
  });
});
