import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Certificates } from '../../system/certificates.ts';
import type { Row } from '../row.ts';

const LENGTH = 3_000_000;
const WAYS = ['return', 'close', 'stay'];
/** Clients of each way. */
const EACH = 3;
const READ = 64 * 1024;
const EVERY_MS = 50;
const SERVICE = fileURLToPath(new URL('../last-reply-service.mjs', import.meta.url));

/** Says `way`, then reads a little now and then, and goes on sending. Resolves with how many bytes came, 0 if it was cut off. */
async function readSlowly(socket: Socket, way: string): Promise<number> {
  let length = 0;
  socket.on('readable', () => {}).on('error', () => {});
  socket.write(`${way}\n`);
  while (!socket.readableEnded && !socket.destroyed) {
    await delay(EVERY_MS);
    const bytes = socket.read(Math.min(READ, Math.max(1, socket.readableLength))) as Buffer | null;
    length += bytes?.length ?? 0;
    if (!socket.readableEnded) socket.write('ping\n');
  }
  socket.destroy();
  return socket.errored === null ? length : 0;
}

async function dial(port: number, isSecure: boolean): Promise<Socket> {
  const where = { port, host: '127.0.0.1', allowHalfOpen: true };
  const socket = isSecure ? connectSecure({ ...where, rejectUnauthorized: false }) : connect(where);
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  return socket;
}

export const lastReply: Row = {
  fault: `a last reply of ${LENGTH / 1e6} MB to clients that read ${READ / 1024} KiB every ${EVERY_MS} ms and go on sending; a session returns, client.close(), a drain; plain and TLS`,
  asked: 'every byte, then the end of the stream',
  async run(stage) {
    using certificates = new Certificates();
    const tls = certificates.issue('server', certificates.authority('authority'));
    const servers = [
      await stage.start({ service: SERVICE, threads: 2, shutdownTimeout: '30s' }),
      await stage.start({ service: SERVICE, threads: 2, shutdownTimeout: '30s', tls }),
    ];
    const sockets = await Promise.all(
      servers.flatMap(({ port }, isSecure) =>
        WAYS.flatMap(() => Array.from({ length: EACH }, () => dial(port, isSecure === 1))),
      ),
    );
    const reading = sockets.map((socket, index) => readSlowly(socket, WAYS[index % WAYS.length] as string));
    await delay(1000);
    for (const { pid } of servers) process.kill(pid, 'SIGTERM');
    const lengths = await Promise.all(reading);
    await Promise.all(servers.map((server) => server.ended()));
    const whole = lengths.filter((length) => length === LENGTH).length;
    return { measured: `${whole} of ${lengths.length} whole`, passed: whole === lengths.length };
  },
};
