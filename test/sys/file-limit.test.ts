import { describe, expect, it } from 'vitest';
import { HeddleError } from '../../src/errors.ts';
import { EACCES, EMFILE, syscallError } from '../../src/sys/errno.ts';
import { fileLimit, tooFewFiles } from '../../src/sys/file-limit.ts';

describe('too few files', () => {
  it.each([
    syscallError('HEDDLE_LISTEN', 'epoll_create1', EMFILE, 'cannot watch sockets'),
    new HeddleError('HEDDLE_SERVICE_LOAD', "Cannot load service.ts: EMFILE: too many open files, open 'service.ts'"),
    Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE' }),
  ])('are told by how many there may be and how to have more, whoever has run out of them: %s', (error) => {
    expect(tooFewFiles(error)).toMatchObject({
      code: 'HEDDLE_UNSUPPORTED',
      errno: 'EMFILE',
      message: expect.stringContaining(`may have ${fileLimit()}, and needs more. Allow it more, with ulimit -n `),
      cause: error,
    });
  });

  it.each([
    syscallError('HEDDLE_LISTEN', 'bind', EACCES, 'cannot listen'),
    new HeddleError('HEDDLE_INVALID_OPTION', 'options.service must be a URL, got "EMFILE"'),
    'EMFILE',
  ])('are no reason for %s', (error) => {
    expect(tooFewFiles(error)).toBe(undefined);
  });
});
