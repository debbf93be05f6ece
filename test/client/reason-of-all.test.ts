import { describe, expect, it } from 'vitest';
import { reasonOfAll } from '../../src/client/reason-of-all.ts';

const failed = (code: string, address: string): Error => Object.assign(new Error(''), { code, address });
const reasonOf = (error: NodeJS.ErrnoException): string => `because of ${error.code}`;

describe('reasonOfAll', () => {
  it('is that of the only error', () => {
    expect(reasonOfAll(failed('EPERM', '::1'), reasonOf)).toBe('because of EPERM');
  });

  it('is said once where all addresses have the same', () => {
    const errors = [failed('EPERM', '::1'), failed('EPERM', '127.0.0.1')];
    expect(reasonOfAll(new AggregateError(errors), reasonOf)).toBe('because of EPERM');
  });

  it('is said of each address where they differ', () => {
    const errors = [failed('EPERM', '::1'), failed('EACCES', '127.0.0.1')];
    expect(reasonOfAll(new AggregateError(errors), reasonOf)).toBe(
      '::1: because of EPERM; 127.0.0.1: because of EACCES',
    );
  });
});
