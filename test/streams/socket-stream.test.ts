import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EPOLLIN } from '../../src/sys/constants.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import { SocketStream } from '../../src/streams/socket-stream.ts';
import { sys } from '../support/loopback.ts';

/** A stream whose socket keeps what it is given for later, and memory to read into and to send from. */
function held() {
  const kept: Buffer[] = [];
  const socket = Object.assign(new EventEmitter(), {
    writableLength: 0,
    push: (_piece: Buffer | null) => true,
    read: () => null,
    resume: () => undefined,
    write: (bytes: Buffer) => {
      kept.push(bytes);
      socket.writableLength += bytes.length;
    },
  });
  const client = { fd: 5, generation: 0, socket: socket as unknown as Socket, tls: undefined };
  const stream = new SocketStream(client, EPOLLIN, () => undefined);
  const memory = sys.allocate(8192);
  const arrive = (piece: Buffer): number => {
    socket.push(piece);
    return stream.recv(memory, 0, memory.size);
  };
  const send = (text: string): number => {
    memory.bytes.write(text);
    return stream.send(memory, 0, text.length);
  };
  return { arrive, kept, memory, send };
}

/** A stream on a real one of Node's, which counts how often more is asked of its source. */
function flowing() {
  let asked = 0;
  const socket = new Duplex({ read: () => void asked++, write: (_bytes, _encoding, done) => done() });
  const memory = sys.allocate(1 << 20);
  const open = (): SocketStream =>
    new SocketStream(
      { fd: 5, generation: 0, socket: socket as unknown as Socket, tls: undefined },
      EPOLLIN,
      () => undefined,
    );
  const taken = (stream: SocketStream): string => {
    const count = stream.recv(memory, 0, memory.size);
    return count < 0 ? `error ${count}` : memory.bytes.toString('latin1', 0, count);
  };
  return { asked: () => asked, memory, open, socket, taken };
}

describe('SocketStream', () => {
  it('gives what its socket had read before, then what comes, then the end', async () => {
    const { open, socket, taken } = flowing();
    socket.push('before, ');
    socket.push('too, ');
    const stream = open();
    socket.push(Buffer.from('after'));
    expect(taken(stream)).toBe('before, too, after');
    expect(taken(stream)).toBe(`error ${EAGAIN}`);
    const ended = once(socket, 'end');
    socket.push(Buffer.from('last'));
    socket.push(null);
    await ended;
    expect([taken(stream), taken(stream)]).toEqual(['last', '']);
  });

  it('has its socket read no more while 64 KiB wait, and read on when they were taken', () => {
    const { asked, memory, open, socket } = flowing();
    const stream = open();
    const before = asked();
    expect(socket.push(Buffer.alloc(40_000))).toBe(true);
    expect(socket.push(Buffer.alloc(40_000))).toBe(false);
    expect(stream.recv(memory, 0, 10_000)).toBe(10_000);
    expect(asked()).toBe(before);
    expect(stream.recv(memory, 0, 10_000)).toBe(10_000);
    expect(asked()).toBe(before + 1);
    expect(socket.push(Buffer.alloc(5000))).toBe(true);
    expect(stream.recv(memory, 0, memory.size)).toBe(65_000);
  });

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
