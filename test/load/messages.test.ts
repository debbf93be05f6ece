import { describe, expect, it } from 'vitest';
import { createFraming } from '../../src/framing/framing.ts';
import { type Expected, Messages } from '../../src/load/messages.ts';

const line = createFraming('line', 1_000);
const NUMBER = '0000120000000345';

function made(text: string, expected: Expected) {
  const messages = new Messages([text], line, expected);
  return {
    sent: messages.frame(12, 345).toString(),
    reply: messages.reply(12, 345)?.toString(),
    isRight: (reply: string) => messages.isRight(Buffer.from(reply), 12, 345),
  };
}

describe('messages of the load', () => {
  it.each([
    ['echo', `héa${NUMBER}bc`],
    ['upper', `HÉA${NUMBER}BC`],
    ['lower', `héa${NUMBER}bc`],
  ] as const)('have a number of their own, and a reply to check: %s', (kind, reply) => {
    const { sent, ...rest } = made('héa{nonce}bc', { kind });
    expect([sent, rest.reply]).toEqual([`héa${NUMBER}bc\n`, reply]);
  });

  it('are reversed byte for byte', () => {
    const { isRight, reply } = made('ab{nonce}c', { kind: 'reverse' });
    expect(reply).toBe(`c${[...NUMBER].toReversed().join('')}ba`);
    expect(isRight(`c${[...NUMBER].toReversed().join('')}ba`)).toBe(true);
  });

  it('are wrong for one byte, one too few and one too many', () => {
    const { isRight } = made('ab{nonce}c', { kind: 'echo' });
    const right = `ab${NUMBER}c`;
    expect([right, `ab${NUMBER}d`, right.slice(1), `${right}c`, right.replace('345', '344')].map(isRight)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('may have the same reply each time, with the number in it or not', () => {
    expect(made('PING', { kind: 'same', text: '+PONG' }).isRight('+PONG')).toBe(true);
    const { isRight } = made('GET {nonce}', { kind: 'same', text: 'no {nonce} here' });
    expect([`no ${NUMBER} here`, 'no 0000120000000346 here'].map(isRight)).toEqual([true, false]);
  });

  it('may have a reply that fits a pattern, or any', () => {
    const { isRight } = made('x', { kind: 'pattern', source: '^\\d+$', flags: '' });
    expect(['17', 'no'].map(isRight)).toEqual([true, false]);
    expect(made('x', { kind: 'any' }).isRight('whatever')).toBe(true);
  });

  it('are sent in turn where there are several', () => {
    const messages = new Messages(['a', 'b'], line, { kind: 'echo' });
    expect([0, 1, 2].map((number) => messages.frame(1, number).toString())).toEqual(['a\n', 'b\n', 'a\n']);
  });

  it('refuses a text that the framing cannot carry', () => {
    expect(() => new Messages(['a\nb'], line, { kind: 'echo' })).toThrow('must not contain what ends a message');
  });
});
