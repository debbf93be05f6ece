import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventRing } from '../../src/sharing/event-ring.ts';
import { until } from '../support/loopback.ts';
import { messageOf, startWorker } from '../support/test-worker.ts';

/** Where the ring's counters of bytes lie in its header. */
const WRITTEN = 2;
const READ = 3;

function drained(ring: EventRing): { records: string[]; lost: number } {
  const records: string[] = [];
  const lost = ring.drain((text) => records.push(text));
  return { records, lost };
}

/** A ring that has carried `bytes` bytes already. */
function usedRing(size: number, bytes: number): EventRing {
  const ring = EventRing.create(size);
  const header = new Int32Array(ring.buffer);
  header[WRITTEN] = bytes;
  header[READ] = bytes;
  return ring;
}

describe('EventRing', () => {
  it('gives records whole and in order', () => {
    const ring = EventRing.create(256);
    expect(['one', '', 'zwei é', '三'].map((text) => ring.write(text))).toEqual([true, true, true, true]);
    expect(drained(ring)).toEqual({ records: ['one', '', 'zwei é', '三'], lost: 0 });
    expect(drained(ring)).toEqual({ records: [], lost: 0 });
  });

  it('gives records whole wherever they wrap', () => {
    for (let offset = 0; offset < 32; offset++) {
      const ring = usedRing(32, offset);
      expect([ring.write('abcdefgh'), ring.write('ij'), ring.write('kl')]).toEqual([true, true, true]);
      expect(drained(ring)).toEqual({ records: ['abcdefgh', 'ij', 'kl'], lost: 0 });
    }
  });

  it.each([2 ** 31, 2 ** 32])('goes on when the count of bytes passes %d', (limit) => {
    for (let before = 1; before <= 16; before++) {
      const ring = usedRing(16, (limit - before) | 0);
      for (const text of ['abcde', 'fghijklmnopq'.slice(0, 8), 'z']) {
        expect(ring.write(text)).toBe(true);
        expect(drained(ring).records).toEqual([text]);
      }
    }
  });

  it('takes what fits exactly, and counts what does not as lost, once', () => {
    const ring = EventRing.create(16);
    expect([ring.write('x'.repeat(13)), ring.write('x'.repeat(12)), ring.write('')]).toEqual([false, true, false]);
    expect(drained(ring)).toEqual({ records: ['x'.repeat(12)], lost: 2 });
    expect(drained(ring).lost).toBe(0);
    expect(ring.write('y')).toBe(true);
  });

  it('does what a queue of limited size does', () => {
    const size = 64;
    const steps = fc.array(fc.oneof(fc.string({ maxLength: 30 }), fc.constant(undefined)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (writes, start) => {
        const ring = usedRing(size, start);
        let queue: string[] = [];
        let lost = 0;
        const used = () => queue.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0);
        for (const text of [...writes, undefined]) {
          if (text === undefined) {
            expect(drained(ring)).toEqual({ records: queue, lost });
            [queue, lost] = [[], 0];
            continue;
          }
          const fits = used() + 4 + Buffer.byteLength(text) <= size;
          expect(ring.write(text)).toBe(fits);
          if (fits) queue.push(text);
          else lost++;
        }
      }),
    );
  });

  it('refuses a size that is no power of two', () => {
    for (const size of [0, 8, 17, 48, -16]) expect(() => EventRing.create(size)).toThrow(RangeError);
  });

  it('may be written to while it is drained, which does not prolong that', () => {
    const ring = EventRing.create(64);
    ring.write('first');
    const seen: string[] = [];
    const visit = (text: string): void => {
      seen.push(text);
      if (text === 'first') ring.write('second');
    };
    ring.drain(visit);
    expect(seen).toEqual(['first']);
    ring.drain(visit);
    expect(seen).toEqual(['first', 'second']);
  });

  it('wakes a reader that waits, and one that came after the record', async () => {
    const ring = EventRing.create(64);
    const woken = () => new Promise<void>((resolve) => ring.wait(resolve));
    const early = woken();
    ring.write('a');
    await early;
    await woken();
    expect(drained(ring).records).toEqual(['a']);
  });
});

const WITH_RING = `
  const { EventRing } = await load('sharing/event-ring.ts');
  const ring = new EventRing(data.buffer);`;

describe('EventRing across threads', () => {
  it('gives each writer’s records whole and in its order, without losing one uncounted', async () => {
    const ring = EventRing.create(4096);
    const [writers, times] = [3, 3000];
    const body = `${WITH_RING}
      let written = 0;
      for (let time = 0; time < data.times; time++) {
        if (ring.write(JSON.stringify({ writer: data.writer, time, text: 'é'.repeat(time % 50) }))) written++;
      }
      post(written);`;
    const results = Array.from({ length: writers }, (_, writer) =>
      messageOf<number>(startWorker(body, { buffer: ring.buffer, writer, times })),
    );
    const written: number[] = [];
    for (const result of results) void result.then((count) => written.push(count));
    const last = Array.from({ length: writers }, () => -1);
    let [records, lost] = [0, 0];
    const drain = () => {
      lost += ring.drain((text) => {
        const { writer, time, text: itsText } = JSON.parse(text) as { writer: number; time: number; text: string };
        expect(itsText).toBe('é'.repeat(time % 50));
        expect(time).toBeGreaterThan(last[writer] as number);
        last[writer] = time;
        records++;
      });
    };
    await until(() => {
      drain();
      return written.length === writers;
    });
    drain();
    expect(records).toBe(written.reduce((sum, count) => sum + count));
    expect(records + lost).toBe(writers * times);
  });

  it('misses no wake-up: a reader that only drains when woken gets every record', async () => {
    const ring = EventRing.create();
    const times = 3000;
    const body = `${WITH_RING}
      for (let time = 0; time < data.times; time++) {
        ring.write(String(time));
        for (let spin = (time * 7919) % 3000; spin > 0; spin--) data.noise[0] = spin;
      }`;
    startWorker(body, { buffer: ring.buffer, times, noise: new Int32Array(1) });
    const seen: string[] = [];
    while (seen.length < times) {
      await new Promise<void>((resolve) => ring.wait(resolve));
      ring.drain((text) => seen.push(text));
    }
    expect(seen).toEqual(Array.from({ length: times }, (_, time) => String(time)));
  });

  it('survives a writer that died with the lock, half-way through a record', async () => {
    const ring = EventRing.create(64);
    ring.write('before');
    const dead = startWorker(
      `${WITH_RING}
       ring.lock.enter();
       new Uint8Array(data.buffer).fill(0xff, 32 + 10, 32 + 30);
       post('locked');
       for (;;);`,
      { buffer: ring.buffer },
    );
    await messageOf(dead);
    const { threadId } = dead;
    await dead.terminate();
    expect(ring.lock.releaseFor(threadId)).toBe(true);
    expect(ring.write('after')).toBe(true);
    expect(drained(ring)).toEqual({ records: ['before', 'after'], lost: 0 });
  });
});
