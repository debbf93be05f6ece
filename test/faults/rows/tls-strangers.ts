import { once } from 'node:events';
import { connect as connectSecure, type ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Peer } from '../../server/peer.ts';
import { Certificates, texts } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import { type Row, within } from '../row.ts';

const SILENT = 500;
const TIMEOUT = 2000;
const EACH = 10;
const FRIENDS = 10;
const SERVICE = fileURLToPath(new URL('../counting-service.mjs', import.meta.url));

/** Dials with TLS and waits for the server to end it. */
async function dial(port: number, options: ConnectionOptions): Promise<void> {
  const socket = connectSecure({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {}).resume();
  await once(socket, 'close').catch(() => {});
}

/** Clients that come as far as the handshake, and no further. */
function strangers(certificates: Certificates, authority: { cert: string; key: string }): ConnectionOptions[] {
  const foreign = certificates.issue('foreign', certificates.authority('stranger'));
  const expired = certificates.issue('expired', authority, -1);
  const own = texts(certificates.issue('own', authority));
  return [
    { ...own, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    texts(foreign),
    {},
    texts(expired),
  ];
}

export const tlsStrangers: Row = {
  fault: `TLS: ${SILENT} silent, ${SILENT} sending garbage; TLS 1.1; a client certificate of another authority, none, an expired one (${EACH} each)`,
  asked: 'all fds gone by the timeout + 1 s; none reaches a service',
  async run(stage) {
    using certificates = new Certificates();
    const authority = certificates.authority('authority');
    const tls = { ...certificates.issue('server', authority), ca: authority.cert, requestClientCert: true };
    const options = { service: SERVICE, framing: 'line', tls, tlsHandshakeTimeout: TIMEOUT } as const;
    const server = await stage.start({ ...options, threads: 2 });
    // More than there are threads: the first socket of each opens an fd of Node's own, which stays.
    const own = texts(certificates.issue('friend', authority));
    const friends = await Promise.all(Array.from({ length: FRIENDS }, () => connectTls(server.port, authority, own)));
    const greeted = await Promise.all(friends.map((friend) => friend.ask('hello')));
    const before = server.fds;
    const refused = strangers(certificates, authority);
    const silent = await Peer.connectAll(server.port, SILENT);
    const noisy = await Peer.connectAll(server.port, SILENT);
    for (const peer of noisy) peer.send('GARBAGE garbage\r\n\r\n');
    const from = performance.now();
    await Promise.all(refused.flatMap((about) => Array.from({ length: EACH }, () => dial(server.port, about))));
    const gone = await within(TIMEOUT + 10_000, () => server.fds <= before);
    const took = performance.now() - from;
    const { closes, messages, opened } = await server.stats();
    for (const friend of friends) greeted.push(await friend.ask('hello'));
    for (const peer of [...silent, ...noisy, ...friends]) await peer.leave();
    const areServed = greeted.every((answer) => answer === 'hello');
    const all = 2 * SILENT + refused.length * EACH;
    return {
      measured: `${closes['tls-error']} of ${all} closed as tls-error; fds back after ${(took / 1000).toFixed(1)} s of ${TIMEOUT / 1000}; the service saw ${opened} clients: the ${FRIENDS} with a good certificate`,
      passed:
        gone &&
        took <= TIMEOUT + 1000 &&
        closes['tls-error'] === all &&
        opened === FRIENDS &&
        messages === FRIENDS &&
        areServed,
    };
  },
};
