import { describe, expect, it } from 'vitest';
import { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import { EpollEvents } from '../../src/sys/sys.ts';

function room(capacity: number, packed: boolean): EpollEvents {
  const bytes = Buffer.from(new ArrayBuffer(EpollEvents.bytesFor(capacity, packed)));
  return new EpollEvents(new NativeBuffer(bytes, () => 0n), packed);
}

const hex = (events: EpollEvents) => events.memory.bytes.toString('hex');

describe('EpollEvents', () => {
  it('lays an event out in 12 bytes where the struct is packed', () => {
    const events = room(2, true);
    events.set(1, 0x40000005, 7, -2);
    expect(hex(events)).toBe(`${'00'.repeat(12)}0500004007000000feffffff`);
  });

  it('lays an event out in 16 bytes where it is not', () => {
    const events = room(2, false);
    events.set(1, 0x40000005, 7, -2);
    expect(hex(events)).toBe(`${'00'.repeat(16)}050000400000000007000000feffffff`);
  });

  it.each([true, false])('reads back what was set at each index (packed: %s)', (packed) => {
    const events = room(3, packed);
    for (let index = 0; index < 3; index++) events.set(index, index + 1, index + 10, index - 0x80000000);
    expect(events.capacity).toBe(3);
    for (let index = 0; index < 3; index++) {
      expect([events.mask(index), events.low(index), events.high(index)]).toEqual([
        index + 1,
        index + 10,
        index - 0x80000000,
      ]);
    }
  });

  it('has room for whole events only', () => {
    expect(new EpollEvents(new NativeBuffer(Buffer.from(new ArrayBuffer(28)), () => 0n), true).capacity).toBe(2);
  });
});
