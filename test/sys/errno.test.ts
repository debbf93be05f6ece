import { describe, expect, it } from 'vitest';
import * as errno from '../../src/sys/errno.ts';

const { errnoName, resultOf, syscallError, ...names } = errno;

describe('errnoName', () => {
  it.each(Object.entries(names))('gives %s the name that its man page uses', (name, result) => {
    expect(errnoName(result)).toBe(name);
  });

  it('gives an errno without a name its number', () => {
    expect(errnoName(-4095)).toBe('errno 4095');
  });
});

describe('syscallError', () => {
  it('says what was being done, with which call, and why it failed', () => {
    const error = syscallError('HEDDLE_LISTEN', 'bind', errno.EADDRINUSE, 'cannot listen on port 1');
    expect(error).toMatchObject({
      code: 'HEDDLE_LISTEN',
      errno: 'EADDRINUSE',
      syscall: 'bind',
      message: 'cannot listen on port 1: bind failed with EADDRINUSE',
    });
  });

  it('says what to do where it is out of files', () => {
    const { message } = syscallError('HEDDLE_LISTEN', 'eventfd', errno.EMFILE, 'cannot wake the acceptor');
    expect(message).toBe(
      'cannot wake the acceptor: eventfd failed with EMFILE. Raise the limit of open files with ulimit -n',
    );
  });
});

it.each([
  ['ECONNRESET', errno.ECONNRESET],
  ['ERR_SSL_WRONG_VERSION_NUMBER', undefined],
  [undefined, undefined],
])('finds the result that Node calls %s', (code, result) => {
  expect(resultOf(code)).toBe(result);
});
