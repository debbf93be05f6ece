import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandoverChannel, MAX_PACKET_BYTES } from '../../src/handover/channel.ts';
import {
  decodePacket,
  decodeWelcome,
  encodePacket,
  encodeWelcome,
  type Packet,
  VERSION,
} from '../../src/handover/packets.ts';
import { owned, sys } from '../support/loopback.ts';
import { packetPair } from '../support/packet-pair.ts';

function links() {
  const { here, there, close } = packetPair();
  return { one: new HandoverChannel(sys, here), other: new HandoverChannel(sys, there), close };
}

const textOf = (link: HandoverChannel) => {
  const received = link.receive();
  return typeof received === 'string' ? received : String(received.bytes);
};

describe('a link', () => {
  it('carries packets with fds, whole and in order', () => {
    const { one, other } = links();
    const event = owned(sys.eventfd());
    one.send(Buffer.from('first'), [event]);
    one.send(Buffer.alloc(MAX_PACKET_BYTES, 'x'));
    const first = other.receive();
    if (typeof first === 'string') throw new Error(first);
    expect([String(first.bytes), first.fds.length]).toEqual(['first', 1]);
    for (const fd of first.fds) owned(fd);
    expect(textOf(other)).toBe('x'.repeat(MAX_PACKET_BYTES));
    expect(textOf(other)).toBe('none');
  });

  it('that ends gives up all that was sent first, also if the other side had packets unread', () => {
    const { one, other, close } = links();
    for (const text of ['unread', 'unread too']) one.send(Buffer.from(text));
    for (const text of ['answer', 'last answer']) other.send(Buffer.from(text));
    close(other.fd);
    expect([textOf(one), textOf(one), textOf(one), textOf(one)]).toEqual(['answer', 'last answer', 'over', 'over']);
    expect(one.send(Buffer.from('x'))).toBeLessThan(0);
  });
});

const packets: fc.Arbitrary<Packet> = fc.oneof(
  fc.constant({ kind: 'ready' } as const),
  fc.boolean().map((taken) => ({ kind: 'answer', taken }) as const),
  fc.maxSafeNat().map((accepted) => ({ kind: 'start', accepted }) as const),
  fc.tuple(fc.constantFrom('ask', 'room', 'back'), fc.maxSafeNat()).map(([kind, count]) => ({ kind, count }) as const),
);

describe('packets', () => {
  it('are read as they were written, and cut off they are none', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const bytes = encodePacket(packet);
        expect(decodePacket(bytes)).toEqual(packet);
        for (let end = 0; end < bytes.length; end++) expect(decodePacket(bytes.subarray(0, end))).toBeUndefined();
      }),
    );
  });

  it('of any bytes are a packet or none, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const packet = decodePacket(Buffer.from(bytes));
        if (packet !== undefined) expect(decodePacket(encodePacket(packet))).toEqual(packet);
      }),
    );
  });
});

describe('a welcome', () => {
  const welcome = { pid: 7, tls: false, shared: [true, false] };

  it('is read as it was written; of another version, the version is read', () => {
    expect(decodeWelcome(encodeWelcome(welcome))).toEqual(welcome);
    expect(decodeWelcome(Buffer.from(`heddle take-over ${VERSION + 1}\nwhatever it says`))).toBe(VERSION + 1);
  });

  it('is none if it is cut off, or something else', () => {
    const bytes = encodeWelcome(welcome);
    for (let end = 0; end < bytes.length; end++) {
      const cut = decodeWelcome(bytes.subarray(0, end));
      expect(cut === undefined || typeof cut === 'number').toBe(true);
      expect(cut).not.toBe(VERSION);
    }
    expect(decodeWelcome(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toBeUndefined();
  });
});
