import { describe, expect, it } from 'vitest';
import { parseServeOptions } from '../../src/options/serve-options.ts';
import { withClientLimit } from '../../src/server/client-limit.ts';

const limitOf = (options: object, fileLimit: number): number =>
  withClientLimit(parseServeOptions(options), fileLimit).maxClients;

describe('maxClients', () => {
  it('is by default what the limit of open files leaves beside threads and the files of the process', () => {
    expect(limitOf({ threads: 10 }, 1024)).toBe(1024 - 64 - 60);
  });

  it('is by default at least half of the files, and as many as the table has slots where there is no limit', () => {
    expect(limitOf({ threads: 10 }, 130)).toBe(65);
    expect(limitOf({ threads: 10 }, 1)).toBe(1);
    expect(limitOf({ threads: 10 }, Infinity)).toBe(2 ** 20 - 124);
  });

  it('is what was given if there are files for it', () => {
    expect(limitOf({ threads: 10, maxClients: 900 }, 1024)).toBe(900);
    expect(limitOf({ maxClients: 1_000_000 }, Infinity)).toBe(1_000_000);
  });

  it('is refused if there are not, with what to do', () => {
    const files =
      'where a process may have 1024 files open, got 901. Allow it 1025 files, with ulimit -n 1025 in the shell';
    expect(() => limitOf({ threads: 10, maxClients: 901 }, 1024)).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_INVALID_OPTION',
        message: `options.maxClients must be at most 900 ${files} that starts it or LimitNOFILE=1025 in its systemd unit`,
      }),
    );
    expect(() => limitOf({ threads: 10, maxClients: 1 }, 100)).toThrow(/^options.maxClients must be left out where/);
  });
});
