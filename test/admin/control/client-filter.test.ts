import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/admin/control/client-filter.ts';
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
    ['reason=kicked', false],
  ])('%j takes the client: %s', (text, isTaken) => {
    expect(parseFilter(text)(CLIENT)).toBe(isTaken);
  });

  it.each([
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
