import { describe, expect, it } from 'vitest';
import { checkOptions } from '../../../src/options/check.ts';
import { parseServeOptions, serveSchema } from '../../../src/options/serve-options.ts';
import type { OptionSource } from '../../../src/options/source.ts';
import { intervalOf, type RateInput } from '../../../src/options/values/rate.ts';

const FLAGS: OptionSource = { from: 'flags' };

describe('a rate', () => {
  it.each<[RateInput, object | string]>([
    ['100/s', { messages: '100/s', burst: 100, over: 'wait', by: 'client' }],
    ['30/m,burst=5', { messages: '30/m', burst: 5, over: 'wait', by: 'client' }],
    ['1000/h,by=address,over=close', { messages: '1000/h', burst: 1000, over: 'close', by: 'address' }],
    [{ messages: '100/s' }, { messages: '100/s', burst: 100, over: 'wait', by: 'client' }],
    [
      { messages: '1/h', burst: 480, over: 'close', by: 'address' },
      { messages: '1/h', burst: 480, over: 'close', by: 'address' },
    ],
    ['none', 'none'],
  ])('is read from %j', (given, rate) => {
    const settings = parseServeOptions({ rate: given });
    expect(settings.rate).toEqual(rate);
    expect(parseServeOptions(settings).rate).toEqual(rate);
  });

  it('is none where none is given', () => {
    expect(parseServeOptions({}).rate).toBe('none');
  });

  it.each([
    ['100/s', 10],
    ['6000/m', 10],
    ['1/h', 3_600_000],
  ])('of %s is a message each %d ms', (messages, interval) => {
    expect(intervalOf(messages)).toBe(interval);
  });

  const EXPECTED = 'must be a rate such as 100/s, 6000/m or 1000/h';
  it.each([
    [0, `${EXPECTED}, or none, got 0`],
    [NaN, `${EXPECTED}, or none, got NaN`],
    [-1, `${EXPECTED}, or none, got -1`],
    [['100/s'], `${EXPECTED}, or none, got ["100/s"]`],
    [null, `${EXPECTED}, or none, got null`],
    ['100/s,burst', `${EXPECTED}, or none, got "100/s,burst"`],
    ['', `${EXPECTED}, got ""`],
    ['100', `${EXPECTED}, got "100"`],
    ['0/s', `${EXPECTED}, got "0/s"`],
    ['-5/s', `${EXPECTED}, got "-5/s"`],
    ['1.5/s', `${EXPECTED}, got "1.5/s"`],
    ['100/fortnight', `${EXPECTED}, got "100/fortnight"`],
    [{}, `${EXPECTED}, got undefined`],
    [{ messages: 100 }, `${EXPECTED}, got 100`],
    ['2000000/s', 'must be at most 1000000/s, got "2000000/s"'],
    ['100/s,burst=0', 'must have a burst from 1 to 1000000 messages, got 0'],
    ['100/s,burst=-3', 'must have a burst from 1 to 1000000 messages, got -3'],
    ['100/s,burst=many', 'must have a burst from 1 to 1000000 messages, got "many"'],
    [{ messages: '100/s', burst: 1.5 }, 'must have a burst from 1 to 1000000 messages, got 1.5'],
    [{ messages: '100/s', burst: NaN }, 'must have a burst from 1 to 1000000 messages, got NaN'],
    ['1/h,burst=481', 'must have a burst of at most 480, which takes 20 days at 1/h, got 481'],
    ['100/s,over=drop', 'must have over=wait or over=close, got "drop"'],
    ['100/s,by=user', 'must have by=client or by=address, got "user"'],
    ['100/s,brust=5', 'has messages, burst, over and by, and no "brust"'],
  ])('%j is refused', (rate, problem) => {
    const error = { code: 'HEDDLE_INVALID_OPTION', message: `options.rate ${problem}` };
    expect(() => parseServeOptions({ rate })).toThrow(expect.objectContaining(error) as Error);
  });

  it('is refused by the name of its flag', () => {
    const message = '--rate must have over=wait or over=close, got "drop"';
    expect(() => checkOptions(serveSchema, { rate: '5/s,over=drop' }, FLAGS)).toThrow(message);
  });
});
