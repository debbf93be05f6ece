import { expect, it } from 'vitest';
import { Deferred } from '../../../src/server/deferred.ts';
import { StartLimit } from '../../../src/server/threads/start-limit.ts';

/** Starts that end when they are told to, with their names in the order in which they began. */
function starts(limit: StartLimit, names: string) {
  const begun: string[] = [];
  const ends = new Map([...names].map((name) => [name, new Deferred<void>()]));
  const results = [...names].map((name) =>
    limit.run(async () => {
      begun.push(name);
      await ends.get(name)?.promise;
      return name;
    }),
  );
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.resolve();
    await results[names.indexOf(name)];
  };
  return { begun, ends, end, results };
}

it('runs no more starts at a time than it allows, in the order in which they came', async () => {
  const { begun, end } = starts(new StartLimit(2), 'abcd');
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('c');
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});

it('a start that fails makes room for the next, and says why it failed', async () => {
  const { begun, ends, results } = starts(new StartLimit(1), 'ab');
  ends.get('a')?.reject(new Error('no thread'));
  await expect(results[0]).rejects.toThrow('no thread');
  expect(begun).toEqual(['a', 'b']);
});

it('says when the next start would have to wait', async () => {
  const limit = new StartLimit(1);
  expect(limit.isReached).toBe(false);
  const { end } = starts(limit, 'ab');
  expect(limit.isReached).toBe(true);
  await end('a');
  expect(limit.isReached).toBe(true);
  await end('b');
  expect(limit.isReached).toBe(false);
});
