import { describe, expect, it } from 'vitest';
import { errorFromRecord, errorToRecord, HeddleError } from '../src/errors.ts';

const record = (error: unknown) => errorToRecord(error, 'HEDDLE_SERVICE_ERROR');

describe('the record of an error', () => {
  it.each<[string, unknown, string]>([
    ['text', 'plain', 'plain'],
    ['undefined', undefined, 'undefined'],
    ['an object', { a: 1 }, '{ a: 1 }'],
    ['an object without a prototype', Object.create(null), '[Object: null prototype] {}'],
    ['a symbol', Symbol('x'), 'Symbol(x)'],
    ['an error whose message is none', Object.assign(new Error('x'), { message: 7 }), '7'],
  ])('describes %s', (_what, error, message) => {
    expect(record(error)).toMatchObject({ code: 'HEDDLE_SERVICE_ERROR', message });
  });

  it('has a stack only if it is text', () => {
    expect(record(Object.assign(new Error('x'), { stack: 42 }))).toEqual({
      code: 'HEDDLE_SERVICE_ERROR',
      message: 'x',
    });
  });

  it('says so if reading what was thrown throws', () => {
    const trap = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('a trap');
      },
    });
    expect(record(trap).message).toContain('cannot be described');
  });

  it('has the causes, but not for ever', () => {
    const root = new Error('the root');
    const { stack = '' } = record(new Error('outer', { cause: new Error('middle', { cause: root }) }));
    expect(stack.match(/(?:^|Caused by: )Error: .*/gm)).toEqual([
      'Error: outer',
      'Caused by: Error: middle',
      'Caused by: Error: the root',
    ]);
    root.cause = root;
    expect(record(root).stack?.split('Caused by: ').length).toBeLessThan(10);
  });

  it('cuts text that is very long, and says by how much', () => {
    const { message, stack = '' } = record(new Error('x'.repeat(3e6)));
    expect(message.length).toBeLessThan(20_000);
    expect(message).toMatch(/^x+… \(\d+ characters more\)$/);
    expect(stack.length).toBeLessThan(20_000);
  });

  it('becomes the same error again', () => {
    const error = new HeddleError('HEDDLE_LISTEN', 'in use', { errno: 'EADDRINUSE', syscall: 'bind' });
    const again = errorFromRecord(record(error));
    expect(again).toMatchObject({ code: 'HEDDLE_LISTEN', message: 'in use', errno: 'EADDRINUSE', syscall: 'bind' });
    expect(again.stack).toBe(error.stack);
  });
});
