import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Output } from '../../src/log/output.ts';
import { streamTarget, type Target, type Written } from '../../src/log/target.ts';

const MIB = 2 ** 20;
const sayLost = (count: number): string => `${count} lost`;
const nextTurn = (): Promise<void> => new Promise(setImmediate);
const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

/** A place that takes so many bytes, or fails. */
class Place implements Target {
  room = Infinity;
  error: string | undefined = undefined;
  taken = '';
  tries = 0;

  write(bytes: Uint8Array, written: Written): void {
    this.tries++;
    const count = Math.min(this.room, bytes.length);
    if (this.error !== undefined) return written(failure(this.error), 0);
    if (count === 0) return written(failure('EAGAIN'), 0);
    this.room -= count;
    this.taken += Buffer.from(bytes.subarray(0, count)).toString();
    written(null, count);
  }
}

function make() {
  const place = new Place();
  return { place, output: new Output(place, sayLost) };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('an output', () => {
  it('writes the lines of one turn at once', async () => {
    const { place, output } = make();
    output.write('a');
    output.write('b');
    expect(place.tries).toBe(0);
    await nextTurn();
    expect([place.taken, place.tries]).toEqual(['a\nb\n', 1]);
  });

  it('keeps a line whole that had room for its beginning only', async () => {
    const { place, output } = make();
    place.room = 3;
    output.write('first');
    await nextTurn();
    output.write('second');
    await nextTurn();
    expect(place.taken).toBe('fir');
    place.room = 100;
    vi.advanceTimersByTime(1);
    expect(place.taken).toBe('first\nsecond\n');
  });

  it.each(['EAGAIN', 'ENOSPC', 'EDQUOT'])(
    'writes again within 2 s after there is room, and idles before: %s',
    async (code) => {
      const { place, output } = make();
      place.error = code;
      output.write('a');
      await nextTurn();
      vi.advanceTimersByTime(60_000);
      expect(place.tries).toBeLessThan(300);
      place.error = undefined;
      vi.advanceTimersByTime(300);
      expect(place.taken).toBe('a\n');
    },
  );

  it.each([0, 100])(
    'drops what nobody reads, in bounded memory, and says once how much it was, with %i lines after it',
    async (more) => {
      const { place, output } = make();
      place.room = 0;
      const line = 'x'.repeat(99);
      let count = 0;
      for (; count < (2 * MIB) / 100; count++) {
        output.write(line);
        if (count % 100 === 99) await nextTurn();
      }
      await nextTurn();
      place.room = Infinity;
      vi.advanceTimersByTime(300);
      for (let index = 0; index < more; index++) output.write('after');
      await nextTurn();
      const lines = place.taken.trimEnd().split('\n');
      const lost = lines.filter((each) => each.endsWith(' lost'));
      expect(lost).toHaveLength(1);
      const kept = lines.filter((each) => each === line).length;
      expect(lost).toEqual([`${count - kept} lost`]);
      expect(kept * 100).toBeLessThan(MIB + 20_000);
      expect(lines.indexOf(lost[0] as string)).toBe(kept);
      expect(lines.slice(kept + 1)).toEqual(Array(more).fill('after'));
    },
  );

  it('takes lines again when half of what waits is gone, not one by one', async () => {
    const { place, output } = make();
    place.room = 0;
    output.write('x'.repeat(2 * MIB));
    await nextTurn();
    output.write('lost');
    await nextTurn();
    place.room = MIB;
    vi.advanceTimersByTime(300);
    output.write('lost');
    await nextTurn();
    place.room = Infinity;
    vi.advanceTimersByTime(300);
    expect(place.taken.slice(2 * MIB)).toBe('\n2 lost\n');
  });

  it.each(['EPIPE', 'EIO', 'EBADF'])(
    'drops all where nobody is, and looks once a second whether somebody came: %s',
    async (code) => {
      const { place, output } = make();
      place.error = code;
      for (const line of ['a', 'b', 'c']) {
        output.write(line);
        await nextTurn();
      }
      expect(place.tries).toBe(1);
      await expect(output.end(1000)).resolves.toBeUndefined();
      place.error = undefined;
      vi.advanceTimersByTime(1001);
      output.write('d');
      await nextTurn();
      expect(place.taken).toBe('2 lost\nd\n');
    },
  );

  it('has written everything when its end resolves, or has waited long enough', async () => {
    const { place, output } = make();
    place.room = 0;
    output.write('a');
    let ended = 0;
    void output.end(1000).then(() => ended++);
    vi.advanceTimersByTime(500);
    await nextTurn();
    expect(ended).toBe(0);
    place.room = 10;
    vi.advanceTimersByTime(300);
    await nextTurn();
    expect([ended, place.taken]).toEqual([1, 'a\n']);
    place.room = 0;
    output.write('b');
    void output.end(1000).then(() => ended++);
    vi.advanceTimersByTime(1000);
    await nextTurn();
    expect(ended).toBe(2);
  });

  it('takes what a stream is given in order with the lines, without ever holding its source up', async () => {
    const { place, output } = make();
    const stream = output.asStream();
    output.write('line');
    stream.write('printed\n');
    expect(place.taken).toBe('line\nprinted\n');
    place.room = 0;
    const source = new PassThrough();
    source.pipe(stream);
    for (let index = 0; index < 100; index++) {
      source.write(`${'x'.repeat(MIB / 4 - 1)}\n`);
      await nextTurn();
    }
    expect([stream.writableNeedDrain, source.readableLength]).toEqual([false, 0]);
    place.room = Infinity;
    vi.advanceTimersByTime(300);
    expect(place.taken).toMatch(/\n9[456] lost\n$/);
  });
});

it('writes to a stream as to a place', async () => {
  const stream = new PassThrough();
  const output = new Output(streamTarget(stream), sayLost);
  output.write('a');
  const [chunk] = await once(stream, 'data');
  expect(String(chunk)).toBe('a\n');
  await expect(output.end(1000)).resolves.toBeUndefined();
});
