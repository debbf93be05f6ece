import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LineWriter } from '../../src/log/line-writer.ts';

const sayLost = (count: number): string => `${count} lost`;

describe('a line writer', () => {
  it('writes the lines of one turn at once', async () => {
    const stream = new PassThrough();
    const writer = new LineWriter(stream, sayLost);
    writer.write('a');
    writer.write('b');
    const [chunk] = await once(stream, 'data');
    expect(String(chunk)).toBe('a\nb\n');
  });

  it('has written everything when its end resolves', async () => {
    const stream = new PassThrough();
    const writer = new LineWriter(stream, sayLost);
    writer.write('a');
    await writer.end();
    expect(String(stream.read())).toBe('a\n');
  });

  it('drops what nobody reads, and says how much it was', async () => {
    let release = (): void => {};
    const written: string[] = [];
    const stuck = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        written.push(chunk);
        release = done;
      },
    });
    const writer = new LineWriter(stuck, sayLost);
    writer.write('x'.repeat(5_000_000));
    await new Promise(setImmediate);
    writer.write('lost');
    writer.write('lost');
    const drained = once(stuck, 'drain');
    release();
    await drained;
    writer.write('seen');
    await new Promise(setImmediate);
    expect(written.slice(1)).toEqual(['2 lost\nseen\n']);
  });

  it('goes on when its reader is gone', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const writer = new LineWriter(gone, sayLost);
    const failed = once(gone, 'error').catch((error: unknown) => error);
    writer.write('a');
    await failed;
    writer.write('b');
    await expect(writer.end()).resolves.toBeUndefined();
  });
});
