import { describe, expect, it } from 'vitest';
import { BlockJournal } from '../../../src/server/watch/block-journal.ts';

describe('the journal of blocks', () => {
  it('says of a block what code it is in, and never the code of the block before', async () => {
    const first = { code: 'first a.js:1', stack: ['first a.js:1'] };
    const codes = [first, undefined];
    const journal = new BlockJournal(async () => codes.shift());
    journal.begun(3, 1000);
    await journal.ended({ thread: 3, ms: 700, moved: 2 });
    expect(journal.codeOf(3, 1000)).toBe(first);
    expect(journal.codeOf(3, 1003)).toBe(first); // By the time of an event, which is a little off.
    expect(journal.codeOf(3, 1700)).toBeUndefined(); // Begun, and main has not heard yet that it is long.
    expect(journal.codeOf(4, 1000)).toBeUndefined();
    journal.begun(3, 1700);
    expect(journal.codeOf(3, 1700)).toBeUndefined();
  });

  it('counts by code, and has room for new code when there are 64', async () => {
    let code = '';
    const journal = new BlockJournal(async () => ({ code, stack: [] }));
    for (let at = 0; at < 65; at++) {
      code = `f a.js:${at}`;
      journal.begun(1, at * 1000);
      await journal.ended({ thread: 1, ms: 900 - at, moved: 1 });
    }
    expect(journal.codes).toHaveLength(64);
    expect(journal.codes.at(-1)).toMatchObject({ code, count: 1, lastHour: 1, longestMs: 836 });
  });
});
