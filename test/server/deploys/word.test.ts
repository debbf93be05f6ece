import { describe, expect, it } from 'vitest';
import { added } from '../../../src/admin/totals.ts';
import { readWord, type Word, writeWord } from '../../../src/server/deploys/word.ts';

const WORD: Word = {
  generation: 3,
  leaving: { clients: 20, stayed: 5, dropped: 3 },
  totals: { stats: { messages: 7, response: [0, 2], closes: { shutdown: 3 } } },
  deploys: [{ kind: 'reload', result: 'failure', time: 1, ms: 2, threads: 3, detail: 'no such table' }],
  isLast: true,
};

describe('what the old process tells the new one', () => {
  it('arrives as it was, in one line', () => {
    const text = writeWord(WORD);
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(readWord(text)).toEqual(WORD);
  });

  it('is understood without fields that a version does not have, and with more of them', () => {
    expect(readWord('{"generation":1,"colour":"red","deploys":[{"kind":"rollback"},7]}')).toEqual({
      generation: 1,
      leaving: { clients: 0, stayed: 0, dropped: 0 },
      totals: undefined,
      deploys: [],
      isLast: false,
    });
  });

  it.each(['', 'GET / HTTP/1.1', 'null', '[]', '{"generation":-1}', '{"generation":1e999}'])(
    'is not taken for a word: %j',
    (line) => expect(readWord(line)).toBeUndefined(),
  );
});

describe('totals', () => {
  it('are added number by number, whatever the other side has left out, added or garbled', () => {
    const own = { messages: 2, response: Float64Array.of(1, 2, 3), closes: { shutdown: 1, kicked: 2 } };
    const other = { messages: 'many', response: [1, -5, Number.NaN, 4], closes: { kicked: 3, bored: 4 }, more: 1 };
    const sum = { messages: 2, response: Float64Array.of(2, 2, 3), closes: { shutdown: 1, kicked: 5 } };
    expect(added(own, other)).toEqual(sum);
    for (const nothing of [undefined, null, 7, []]) expect(added(own, nothing)).toEqual(own);
  });
});
