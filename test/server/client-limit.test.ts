import { describe, expect, it } from 'vitest';
import { parseServeOptions } from '../../src/options/serve-options.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import { withClientLimit } from '../../src/server/client-limit.ts';

function limitOf(options: object, files: number, filesPerClient = 1): number {
  const engine = { fileLimit: () => files, filesPerClient: () => filesPerClient };
  return withClientLimit(parseServeOptions(options), engine, nameInLibrary).maxClients;
}

function refusalOf(maxClients: number): string {
  try {
    return `not refused: ${limitOf({ threads: 10, maxClients }, 0)}`;
  } catch (error) {
    return String(error);
  }
}

describe('maxClients', () => {
  it('is by default what the limit of open files leaves beside threads and the files of the process', () => {
    expect(limitOf({ threads: 10 }, 1024)).toBe(1024 - 64 - 80);
  });

  it('is by default at least half of the files, and as many as the table has slots where there is no limit', () => {
    expect(limitOf({ threads: 10 }, 130)).toBe(65);
    expect(limitOf({ threads: 10 }, 1)).toBe(1);
    expect(limitOf({ threads: 10 }, Infinity)).toBe(2 ** 20 - 144);
  });

  it('is what was given if there are files for it', () => {
    expect(limitOf({ threads: 10, maxClients: 880 }, 1024)).toBe(880);
    expect(limitOf({ maxClients: 1_000_000 }, Infinity)).toBe(1_000_000);
  });

  it('is refused if there are not, with what to do', () => {
    const files =
      'where a process may have 1024 files open, got 881. Allow it 1025 files, with ulimit -n 1025 in the shell';
    expect(() => limitOf({ threads: 10, maxClients: 881 }, 1024)).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_INVALID_OPTION',
        message: `options.maxClients must be at most 880 ${files} that starts it or LimitNOFILE=1025 in its systemd unit`,
      }),
    );
  });

  it.each([
    [130, 65],
    [131, 66],
    [1024, 880],
  ])('may be just as much, with %i files, as it is by default: %i', (files, most) => {
    expect(limitOf({ threads: 10, maxClients: most }, files)).toBe(most);
    expect(() => limitOf({ threads: 10, maxClients: most + 1 }, files)).toThrow(`must be at most ${most} where`);
  });

  it('counts two files for a client where it takes two', () => {
    expect(limitOf({ threads: 10 }, 1024, 2)).toBe((1024 - 64 - 80) / 2);
    expect(limitOf({ threads: 10, maxClients: 440 }, 1024, 2)).toBe(440);
    expect(() => limitOf({ threads: 10, maxClients: 441 }, 1024, 2)).toThrow(
      'must be at most 440 where a process may have 1024 files open and a client takes 2, got 441. Allow it 1026 files',
    );
    expect(limitOf({ threads: 10, maxClients: 441 }, 1026, 2)).toBe(441);
    expect(limitOf({ threads: 10 }, 1, 2)).toBe(1);
  });

  it.each([1, 80, 144, 145, 5000])(
    'of %i has room once the process may have as many files as the error says',
    (count) => {
      const files = Number(/ulimit -n (\d+)/.exec(refusalOf(count))?.[1]);
      expect(limitOf({ threads: 10, maxClients: count }, files)).toBe(count);
    },
  );
});
