import { describe, expect, it } from 'vitest';
import { BAD, Frame, MESSAGE } from '../../src/framing/frame.ts';
import { type CustomFraming, createFraming } from '../../src/framing/framing.ts';
import { decodeStream } from './decode-stream.ts';

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

  it.each([null, 'abc', 3, {}, { length: 1 }])('may not return %j', (result) => {
    expect(problemOf(result)).toContain('framing.decode must return { message, length } or undefined, got');
  });

  it('may not return a message that is undefined', () => {
    expect(problemOf({ message: undefined, length: 1 })).toContain('not undefined');
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
    expect(() => wrong.encode?.('a')).toThrow("framing.encode must return a Uint8Array, got 'text'");
  });
});
