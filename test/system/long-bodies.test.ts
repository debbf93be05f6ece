import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { Certificates } from './certificates.ts';
import { here, startHeddle } from './processes.ts';

const MB = 1_000_000;
const LENGTH = 200 * MB;
/** So much more memory the server may have at its peak: 7 to 12 MB were measured, under TLS 9 to 27 MB, with Node 20, 24 and 26. */
const MOST_MORE = 30 * MB;

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const pair = certificates.issue('localhost', certificates.authority('authority'));

/** The same bytes for all, but no two pieces alike. */
function* pieces(length: number): Generator<Buffer> {
  const piece = Buffer.from(Array.from({ length: 64 * 1024 }, (_, index) => (index * 31) >> 3));
  for (let at = 0; at < length; at += piece.length) {
    piece.writeUInt32LE(at);
    yield Buffer.from(piece.subarray(0, Math.min(piece.length, length - at)));
  }
}

/** Sends a body and takes it back; both ways at once, as one would have to. */
async function copy(socket: Socket, length: number): Promise<{ sent: string; received: string }> {
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  let left = length;
  const back = new Promise<void>((resolve, reject) => {
    socket.on('data', (piece: Buffer) => {
      received.update(piece);
      if ((left -= piece.length) <= 0) resolve();
    });
    socket.once('close', () => reject(new Error(`closed, ${left} bytes before the end`)));
  });
  socket.write(`${length}\n`);
  for (const piece of pieces(length)) {
    sent.update(piece);
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  await back;
  socket.removeAllListeners('data');
  return { sent: sent.digest('hex'), received: received.digest('hex') };
}

/** Memory of a process, in bytes. */
function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe('200 MB through body() and sendAll()', () => {
  it.each([
    ['plain', [], (port: number) => connectPlain(port, '127.0.0.1')],
    [
      'under TLS',
      ['--tls-cert', pair.cert, '--tls-key', pair.key],
      (port: number) => connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }),
    ],
  ] as const)('come back as they were, in little memory: %s', async (_how, flags, dial) => {
    await using server = await startHeddle(here('services/copies.mjs'), '--host', '127.0.0.1', ...flags);
    const socket = dial(server.port);
    await copy(socket, 20 * MB);
    const pid = server.child.pid as number;
    writeFileSync(`/proc/${pid}/clear_refs`, '5'); // The peak counts from here.
    const before = memoryOf(pid, 'VmRSS');
    const { sent, received } = await copy(socket, LENGTH);
    const more = memoryOf(pid, 'VmHWM') - before;
    expect(received).toBe(sent);
    expect(more).toBeLessThan(MOST_MORE);
    socket.destroy();
  });
});
