import { describe, expect, it } from 'vitest';
import { BAD, Frame, MESSAGE, SKIPPED } from '../../src/framing/frame.ts';
import { type CustomFraming, createFraming } from '../../src/framing/framing.ts';
import { decodeStream, everyByte } from './decode-stream.ts';

function returning(result: unknown): CustomFraming {
  return { decode: () => result as { message: unknown; length: number }, encode: () => Buffer.alloc(0) };
}

function problemOf(result: unknown): string {
  const frame = new Frame();
  expect(createFraming(returning(result), 10).decode(Buffer.from('..abc..'), 2, 5, frame)).toBe(BAD);
  return frame.problem;
}

describe('a framing of the user', () => {
  it('leaves its message in the frame', () => {
    const frame = new Frame();
    const message = { id: 1 };
    expect(createFraming(returning({ message, length: 2 }), 10).decode(Buffer.from('..abc..'), 2, 5, frame)).toBe(
      MESSAGE,
    );
    expect(frame.message).toBe(message);
    expect([frame.start, frame.end, frame.next]).toEqual([2, 4, 4]);
  });

  it('is given what was read and no more, as plain bytes whose slice is a copy', () => {
    let given: Uint8Array = new Uint8Array();
    const own: CustomFraming = { ...returning(undefined), decode: (bytes) => void (given = bytes) };
    createFraming(own, 10).decode(Buffer.from('..abc..'), 2, 5, new Frame());
    expect(given).toEqual(Uint8Array.from([97, 98, 99]));
    expect(given.slice().buffer).not.toBe(given.buffer);
  });

  it.each([0, 4, -1, 1.5, Number.NaN, '2', undefined])('may not return the length %s for 3 bytes', (length) => {
    expect(problemOf({ message: 'a', length })).toContain(
      'framing.decode must return a length that is an integer from 1 to 3',
    );
  });

  it.each([null, 'abc', 3, {}])('may not return %j', (result) => {
    expect(problemOf(result)).toContain('framing.decode must return { message, length }, { need } or undefined, got');
  });

  it.each([{ length: 2 }, { message: undefined, length: 2 }])('skips bytes by %j', (result) => {
    const frame = new Frame();
    expect(createFraming(returning(result), 10).decode(Buffer.from('..abc..'), 2, 5, frame)).toBe(SKIPPED);
    expect(frame.next).toBe(4);
  });

  it('is not called before the bytes are there that it needs', () => {
    const calls: number[] = [];
    const own: CustomFraming<string> = {
      decode(bytes) {
        calls.push(bytes.length);
        return bytes.length < 5 ? { need: 5 } : { message: Buffer.from(bytes.subarray(0, 5)).toString(), length: 5 };
      },
    };
    expect(decodeStream(createFraming(own, 10), everyByte(Buffer.from('hellohello'))).values).toEqual([
      'hello',
      'hello',
    ]);
    expect(calls).toEqual([1, 5, 1, 5]);
  });

  it.each([3, 2, 0, -1, 4.5, Number.NaN, '4'])('may not need %s bytes when it has 3', (need) => {
    expect(problemOf({ need })).toContain('framing.decode must need more than 3, the bytes it was given');
  });

  it('is told at once that it needs more than maxMessageLength', () => {
    expect(decodeStream(createFraming(returning({ need: 11 }), 10), [Buffer.from('a')]).outcome).toBe('too long');
    expect(decodeStream(createFraming(returning({ need: 10 }), 10), [Buffer.from('a')]).outcome).toBe('open');
  });

  it('says what is left when the client has finished: skipped bytes, one message, or an error', () => {
    const decode: CustomFraming<string>['decode'] = (bytes, _state, ended) => {
      if (bytes[0] === 35) return { length: 1 };
      const text = Buffer.from(bytes).toString();
      const feed = text.indexOf(';');
      if (feed >= 0) return { message: text.slice(0, feed), length: feed + 1 };
      return ended && !text.startsWith('?') ? { message: text, length: text.length } : undefined;
    };
    const outcomeOf = (text: string) =>
      decodeStream(createFraming({ decode }, 10), everyByte(Buffer.from(text)), { finish: true });
    expect(outcomeOf('#a;#b')).toMatchObject({ values: ['a', 'b'], outcome: 'open' });
    expect(outcomeOf('a;##')).toMatchObject({ values: ['a'], outcome: 'open' });
    expect(outcomeOf('a;?b')).toMatchObject({ outcome: 'bad', problem: expect.stringContaining('2 bytes after') });
    const half: CustomFraming<string>['decode'] = (_bytes, _state, ended) =>
      ended ? { message: 'a', length: 1 } : undefined;
    expect(decodeStream(createFraming({ decode: half }, 10), [Buffer.from('ab')], { finish: true }).problem).toBe(
      'framing.decode has left 1 bytes of a client that has finished',
    );
  });

  it('sends bytes and text as they are where it has no encode', () => {
    const framing = createFraming({ decode: () => undefined }, 4);
    expect(framing.encode?.('a')).toBe('a');
    expect(framing.encode?.(Buffer.from('b'))).toEqual(Buffer.from('b'));
    expect(() => framing.encode?.({ a: 1 })).toThrow(
      'a framing without encode sends bytes (a Uint8Array) and text only',
    );
  });

  it('encodes a reply in several pieces', () => {
    const framing = createFraming({ decode: () => undefined, encode: () => [Buffer.from('a'), Buffer.from('bc')] }, 4);
    expect(framing.encode?.('reply')).toEqual(Buffer.from('abc'));
  });

  it.each([
    [new Error('bad checksum'), 'bad checksum'],
    ['a text', "'a text'"],
    [Object.create(null), '[Object: null prototype] {}'],
  ])('refuses bytes by throwing %s', (thrown, problem) => {
    const own: CustomFraming = {
      ...returning(undefined),
      decode() {
        throw thrown;
      },
    };
    expect(decodeStream(createFraming(own, 10), [Buffer.from('a')])).toMatchObject({ outcome: 'bad', problem });
  });

  it('is bounded by maxMessageLength, complete or not', () => {
    const text = (length: number) => [Buffer.alloc(length, 'x')];
    const all: CustomFraming = {
      ...returning(undefined),
      decode: (bytes) => ({ message: 'all', length: bytes.length }),
    };
    expect(decodeStream(createFraming(returning(undefined), 4), text(4)).outcome).toBe('open');
    expect(decodeStream(createFraming(returning(undefined), 4), text(5)).outcome).toBe('too long');
    expect(decodeStream(createFraming(all, 4), text(4)).values).toEqual(['all']);
    expect(decodeStream(createFraming(all, 4), text(5)).outcome).toBe('too long');
  });

  it('encodes a reply as its own `this`, and must give bytes', () => {
    class Reversed implements CustomFraming<string, string> {
      readonly mark = '!';
      decode(): undefined {
        return undefined;
      }
      encode(reply: string): Uint8Array {
        return Buffer.from(reply + this.mark);
      }
    }
    expect(createFraming(new Reversed(), 4).encode?.('a')).toEqual(Buffer.from('a!'));
    const wrong = createFraming({ ...returning(undefined), encode: () => 'text' as unknown as Uint8Array }, 4);
    expect(() => wrong.encode?.('a')).toThrow(
      "framing.encode must return a Uint8Array, or an array of them, got 'text'",
    );
  });
});
