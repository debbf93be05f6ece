import { once } from 'node:events';
import { createServer } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { testFolder } from '../support/folder.ts';
import { echoBytes, reverseChunks, stubServer } from './stub-server.ts';

describe('connecting', () => {
  it('to nobody says so, and what to do', async () => {
    // No server has it, and the kernel gives it to nobody who asks for any.
    const port = 1;
    await expect(connect({ port })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      errno: 'ECONNREFUSED',
      syscall: 'connect',
      message: `Cannot connect to 127.0.0.1:${port}: connection refused. Is the server running? Start it with: heddle serve`,
    });
    await expect(connect({ port, host: '::1' })).rejects.toThrow(`Cannot connect to [::1]:${port}: `);
  });

  it('refuses a wrong option by name', async () => {
    await expect(connect({ port: 0 })).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: 'options.port must be a positive integer, got 0',
    });
  });

  it('has any number of connections end with one signal, without a warning of Node', async () => {
    await using server = await stubServer(reverseChunks);
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warn);
    const controller = new AbortController();
    const { signal } = controller;
    const connections = await Promise.all(Array.from({ length: 12 }, () => connect({ port: server.port, signal })));
    await nextTurn();
    process.off('warning', warn);
    controller.abort();
    await Promise.all(connections.map((connection) => connection.closed));
    expect(warnings).toEqual([]);
  });

  it('ends with its signal', async () => {
    const reason = new Error('enough');
    await expect(connect({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      cause: reason,
    });
    await using server = await stubServer(reverseChunks);
    const controller = new AbortController();
    const connecting = connect({ port: server.port, signal: controller.signal });
    controller.abort(reason);
    await expect(connecting).rejects.toMatchObject({ code: 'HEDDLE_CONNECT', cause: reason });
  });
});

describe('a connection', () => {
  it('gets the reply to its request', async () => {
    await using server = await stubServer(reverseChunks);
    await using connection = await connect({ port: server.port });
    expect((await connection.request('hello from client')).toString()).toBe('tneilc morf olleh');
    expect(await connection.request(Uint8Array.of(0, 255, 1))).toEqual(Buffer.of(1, 255, 0));
  });

  it('sends as many bytes as a message has, whatever its length says', async () => {
    class Liar extends Uint8Array {
      override get length(): 3 {
        return 200 as 3;
      }
    }
    await using server = await stubServer(echoBytes);
    await using connection = await connect({ port: server.port, framing: 'line' });
    expect(await connection.request(new Liar([65, 66, 67]))).toEqual(Buffer.from('ABC'));
  });

  it.each(['line', 'length', { length: 2 }, { delimiter: '|' }] as const)(
    'matches the replies of many requests in order, with framing %j',
    async (framing) => {
      await using server = await stubServer(echoBytes);
      await using connection = await connect({ port: server.port, framing });
      const words = Array.from({ length: 500 }, (_, index) => `message ${index}`);
      const replies = await Promise.all(words.map((word) => connection.request(word)));
      expect(replies.map(String)).toEqual(words);
    },
  );

  it('sends a message and then its end, with framing end', async () => {
    await using server = await stubServer((socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part) => parts.push(part)).on('end', () => socket.end(Buffer.concat(parts).reverse()));
    });
    await using connection = await connect({ port: server.port, framing: 'end' });
    expect(String(await connection.request('abc'))).toBe('cba');
    await expect(connection.send('more')).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  });

  it.each<[unknown, string]>([
    [3, 'number'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, 'Object'],
    [Object.create(null), 'an object'],
    [[1], 'Array'],
  ])('refuses %j as a message, and goes on', async (message, its) => {
    await using server = await stubServer(echoBytes);
    await using connection = await connect({ port: server.port, framing: 'line' });
    const error = new TypeError(`a message must be bytes (a Uint8Array) or a string, got ${its}`);
    await expect(connection.send(message as string)).rejects.toStrictEqual(error);
    await expect(connection.request(message as string)).rejects.toStrictEqual(error);
    expect(String(await connection.request('after'))).toBe('after');
  });

  it('puts together what arrives in pieces, of whatever size', async () => {
    const text = 'first\nsecond, longer\n\nlast\n';
    for (let size = 1; size <= text.length; size++) {
      await using server = await stubServer((socket) => {
        socket.setNoDelay(true);
        for (let at = 0; at < text.length; at += size) socket.write(text.slice(at, at + size));
        socket.end();
      });
      await using connection = await connect({ port: server.port, framing: 'line' });
      const messages: string[] = [];
      for await (const message of connection) messages.push(String(message));
      expect(messages).toEqual(['first', 'second, longer', '', 'last']);
    }
  });

  it('takes a message of 8 MiB', async () => {
    await using server = await stubServer(echoBytes);
    await using connection = await connect({ port: server.port, framing: 'length', maxMessageLength: '8MiB' });
    const message = Buffer.alloc(2 ** 23, 'abcdefg');
    expect((await connection.request(message)).equals(message)).toBe(true);
  });

  it('has nothing more to receive when the server has finished', async () => {
    await using server = await stubServer((socket) => socket.end('bye\n'));
    await using connection = await connect({ port: server.port, framing: 'line' });
    expect(String(await connection.receive())).toBe('bye');
    expect(await connection.receive()).toBeUndefined();
    expect(await connection.receive()).toBeUndefined();
  });

  it('rejects a request that the server does not answer before it closes', async () => {
    await using server = await stubServer((socket) => socket.once('data', () => socket.end()));
    await using connection = await connect({ port: server.port });
    const message = `The server at 127.0.0.1:${server.port} closed the connection before it replied`;
    await expect(connection.request('x')).rejects.toMatchObject({ code: 'HEDDLE_CLOSED', message });
    await connection.closed;
    await expect(connection.request('x')).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  });

  it('rejects when it is reset', async () => {
    await using server = await stubServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await using connection = await connect({ port: server.port });
    await expect(connection.request('x')).rejects.toMatchObject({ code: 'HEDDLE_CLOSED', errno: 'ECONNRESET' });
  });

  it('rejects a message that is too long, and closes', async () => {
    await using server = await stubServer((socket) => socket.write('12345678901\n'));
    await using connection = await connect({ port: server.port, framing: 'line', maxMessageLength: 10 });
    await expect(connection.receive()).rejects.toMatchObject({ code: 'HEDDLE_MESSAGE_TOO_LONG' });
    await connection.closed;
  });

  it('rejects half a message at the end', async () => {
    await using server = await stubServer((socket) => socket.end('half'));
    await using connection = await connect({ port: server.port, framing: 'line' });
    await expect(connection.receive()).rejects.toMatchObject({ code: 'HEDDLE_BAD_FRAME' });
  });

  it('refuses a message that would be two, and one that would be none', async () => {
    await using server = await stubServer(echoBytes);
    await using lines = await connect({ port: server.port, framing: 'line' });
    await expect(lines.request('a\nb')).rejects.toMatchObject({ code: 'HEDDLE_BAD_FRAME' });
    expect(String(await lines.request('ab'))).toBe('ab');
    await using chunks = await connect({ port: server.port });
    await expect(chunks.request('')).rejects.toMatchObject({ code: 'HEDDLE_BAD_FRAME' });
  });

  it('closes when a reply is not there in time, and can go on when a message is not', async () => {
    await using server = await stubServer((socket) => socket.resume());
    await using connection = await connect({ port: server.port, timeout: 1000 }); // Connecting has as long.
    await expect(connection.receive()).rejects.toMatchObject({ code: 'HEDDLE_TIMEOUT' });
    await expect(connection.request('x')).rejects.toMatchObject({ code: 'HEDDLE_TIMEOUT' });
    await connection.closed;
  });

  it('ends what waits on it when its signal is aborted', async () => {
    await using server = await stubServer((socket) => socket.resume());
    const controller = new AbortController();
    await using connection = await connect({ port: server.port, signal: controller.signal });
    const request = connection.request('x');
    controller.abort();
    await expect(request).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  });

  it('ends what waits on it when it is closed', async () => {
    await using server = await stubServer((socket) => socket.resume());
    const connection = await connect({ port: server.port });
    const received = connection.receive();
    const requested = connection.request('x');
    const rejection = requested.catch((error: unknown) => error);
    await connection.close();
    expect(await received).toBeUndefined();
    expect(await rejection).toMatchObject({ code: 'HEDDLE_CLOSED' });
    await expect(connection.send('x')).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    await connection.close();
  });

  it('stops reading while nobody takes its messages, and goes on when they are taken', async () => {
    const line = `${'x'.repeat(65_535)}\n`;
    const count = 500;
    let written = 0;
    await using server = await stubServer((socket) => {
      const write = (): void => {
        while (written < count) {
          written++;
          if (!socket.write(line)) return void socket.once('drain', write);
        }
        socket.end();
      };
      write();
    });
    await using connection = await connect({ port: server.port, framing: 'line' });
    await connection.receive();
    await quiet(() => written);
    expect(written).toBeLessThan(count);
    let received = 1;
    for await (const message of connection) received += message.length === 65_535 ? 1 : 0;
    expect(received).toBe(count);
  });

  it('waits with sending while the server does not read', async () => {
    await using server = await stubServer((socket) => socket.pause());
    await using connection = await connect({ port: server.port, framing: 'length', maxMessageLength: '64MiB' });
    await vi.waitFor(() => expect(server.sockets.size).toBe(1), { timeout: 30_000, interval: 1 });
    let isSent = false;
    const sent = connection.send(Buffer.alloc(2 ** 25)).then(() => (isSent = true));
    await new Promise(setImmediate);
    expect(isSent).toBe(false);
    for (const socket of server.sockets) socket.resume();
    await sent;
  });
});

/** Resolves when `read` has given the same number for 100 ms. */
async function quiet(read: () => number): Promise<void> {
  for (let last = -1; last !== read(); ) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('connecting to a Unix socket', () => {
  it('talks to the server that has it', async () => {
    const unix = join(testFolder(), 'a.sock');
    const server = createServer(reverseChunks).listen(unix);
    await once(server, 'listening');
    await using connection = await connect({ unix, host: 'no-such-host.invalid' });
    expect(String(await connection.request('abc'))).toBe('cba');
    await connection.close();
    server.close();
  });

  it('says that there is none, and how to start a server', async () => {
    const unix = join(testFolder(), 'a.sock');
    await expect(connect({ unix })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      errno: 'ENOENT',
      message: `Cannot connect to unix:${unix}: there is no such socket. Is the server running? Start it with: heddle serve --unix ${unix}`,
    });
    writeFileSync(unix, '');
    await expect(connect({ unix })).rejects.toThrow(`unix:${unix}: no server has it open.`);
  });
});
