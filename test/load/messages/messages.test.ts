import { describe, expect, it } from 'vitest';
import { createFraming } from '../../../src/framing/framing.ts';
import type { Expected, ReplyCheck } from '../../../src/load/messages/expected.ts';
import { Messages } from '../../../src/load/messages/messages.ts';

const line = createFraming('line', 1_000);
const NUMBER = '0000120000000345';

function made(text: string, expected: Expected, check?: ReplyCheck) {
  const messages = new Messages([text], line, expected, 1, check);
  return {
    sent: messages.frame(12, 345).toString(),
    reply: messages.reply(12, 345)?.toString(),
    length: messages.replyLength(345),
    isRight: (reply: string) => messages.judge(Buffer.from(reply), 12, 345),
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
    expect(made('x', { kind: 'none' }).isRight('whatever')).toBe(true);
  });

  it('have fields of their client, their number and random letters, each as often as is said', () => {
    const { isRight, sent } = made('{client}/{seq} {random:5}{random:5} {client} {other} {random}', { kind: 'echo' });
    const [, first, second] =
      /^000012\/0000000345 ([a-z]{5})([a-z]{5}) 000012 \{other\} \{random\}\n$/.exec(sent) ?? [];
    expect(first).not.toBe(second);
    expect([sent.trimEnd(), sent.trimEnd().replace(`${second}`, 'xxxxx')].map(isRight)).toEqual([true, false]);
  });

  it('have random letters that depend on seed, client and number alone', () => {
    const letters = (seed: number, client: number, seq: number): string =>
      new Messages(['{random:26}'], line, { kind: 'echo' }, seed).frame(client, seq).toString();
    const all = [letters(1, 1, 1), letters(2, 1, 1), letters(1, 2, 1), letters(1, 1, 2), letters(0, 0, 0)];
    expect(new Set(all).size).toBe(5);
    expect(letters(1, 1, 1)).toBe(all[0]);
    const seen = Array.from({ length: 200 }, (_, seq) => letters(1, 1, seq)).join('');
    const counts = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => seen.split(letter).length - 1);
    // 200 of each on average, with a deviation of 14.
    expect(Math.min(...counts)).toBeGreaterThan(140);
    expect(Math.max(...counts)).toBeLessThan(260);
  });

  it.each(['upper', 'lower', 'reverse', 'echo'] as const)('have random letters in a reply too: %s', (kind) => {
    const { isRight, sent } = made('ä{random:7}-{seq}{random:3}', { kind });
    const text = sent.trimEnd();
    const bytes = Buffer.from(text).reverse();
    const replies = { upper: text.toUpperCase(), lower: text, echo: text };
    if (kind !== 'reverse') expect(isRight(replies[kind])).toBe(true);
    else expect(new Messages(['ä{random:7}-{seq}{random:3}'], line, { kind }, 1).judge(bytes, 12, 345)).toBe(true);
    expect(isRight(`${text}x`)).toBe(false);
  });

  it('may stand in a text that is expected', () => {
    const { isRight, sent } = made('SET {client} {random:4}', { kind: 'same', text: '{random:4} of {client}' });
    expect(isRight(`${sent.trimEnd().slice(-4)} of 000012`)).toBe(true);
  });

  it('may have a reply of which only the length is known', () => {
    const { isRight, length } = made('hé{nonce}', { kind: 'length' });
    expect(length).toBe(19);
    expect(isRight('x'.repeat(19))).toBe(true);
    expect(isRight('x'.repeat(18))).toBe('a reply of 19 bytes, not 18');
  });

  it('may have a reply that a function judges by the message', () => {
    const { isRight } = made('a{seq}', { kind: 'module', href: '' }, (message, reply) =>
      reply.equals(message) ? true : `${message.toString()} is not ${reply.toString()}`,
    );
    expect(isRight('a0000000345')).toBe(true);
    expect(isRight('b')).toBe('a0000000345 is not b');
  });

  it('are sent in turn where there are several', () => {
    const messages = new Messages(['a', 'b'], line, { kind: 'echo' }, 1);
    expect([0, 1, 2].map((number) => messages.frame(1, number).toString())).toEqual(['a\n', 'b\n', 'a\n']);
  });

  it('refuses a text that the framing cannot carry', () => {
    expect(() => new Messages(['a\nb'], line, { kind: 'echo' }, 1)).toThrow('must not contain what ends a message');
  });
});
