import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/admin/control/client-filter.ts';
import { whereOf } from '../../../src/admin/view/search.ts';

describe('what is typed to find clients', () => {
  it.each([
    ['', ''],
    [' #88213 ', 'id=88213'],
    ['88213', 'id=88213'],
    ['10.0.4.17', 'address=10.0.4.17'],
    ['10.0.0.0/8', 'address=10.0.0.0/8'],
    ['2001:db8::7', 'address=2001:db8::7'],
    ['::1', 'address=::1'],
    ['unix', 'address=unix'],
    ['10.0.4.17:51544', 'address=10.0.4.17 and port=51544'],
    ['[::1]:51544', 'address=::1 and port=51544'],
    ['idle>1m and thread=3', 'idle>1m and thread=3'],
  ])('%j means %j', (typed, where) => {
    expect(whereOf(typed)).toBe(where);
    expect(() => parseFilter(where)).not.toThrow();
  });

  it('is refused with a sentence where it is none', () => {
    expect(() => parseFilter(whereOf('chat'))).toThrow('is no condition');
  });
});
