import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { EPOLLIN } from '../../src/sys/constants.ts';
import { SocketStream } from '../../src/thread/socket-stream.ts';
import { sys } from '../support/loopback.ts';

/** A stream whose socket keeps what it is given for later, and memory to read into and to send from. */
function held() {
  const kept: Buffer[] = [];
  const socket = Object.assign(new EventEmitter(), {
    writableLength: 0,
    write: (bytes: Buffer) => {
      kept.push(bytes);
      socket.writableLength += bytes.length;
    },
  });
  const client = { fd: 5, ticket: 0, socket: socket as unknown as Socket, tls: undefined };
  const stream = new SocketStream(client, EPOLLIN, () => undefined);
  const memory = sys.allocate(8192);
  const arrive = (piece: Buffer): number => {
    socket.emit('data', piece);
    return stream.recv(memory, 0, memory.size);
  };
  const send = (text: string): number => {
    memory.bytes.write(text);
    return stream.send(memory, 0, text.length);
  };
  return { arrive, kept, memory, send };
}

describe('SocketStream', () => {
  it('uses the memory of a message once more, for one reply of its length', () => {
    const { arrive, kept, send } = held();
    const piece = Buffer.from('four');
    expect([arrive(piece), send('1st.'), send('2nd.')]).toEqual([4, 4, 4]);
    expect(kept.map(String)).toEqual(['1st.', '2nd.']);
    expect(kept[0]).toBe(piece);
    expect(kept[1]).not.toBe(piece);
  });

  it.each([
    ['another length', 'longer', 'short'],
    ['a long message', 'x'.repeat(4096), 'y'.repeat(4096)],
  ])('takes memory of its own for a reply to %s', (_what, message, reply) => {
    const { arrive, kept, send } = held();
    const piece = Buffer.from(message);
    arrive(piece);
    send(reply);
    expect(kept.map(String)).toEqual([reply]);
    expect(kept[0]).not.toBe(piece);
    expect(piece.toString()).toBe(message);
  });

  it('does not change a message that was read in parts until the last of it was read', () => {
    const { arrive, memory } = held();
    const piece = Buffer.alloc(memory.size + 4, 'z');
    expect(arrive(piece)).toBe(memory.size);
    expect(piece.equals(Buffer.alloc(memory.size + 4, 'z'))).toBe(true);
  });
});
