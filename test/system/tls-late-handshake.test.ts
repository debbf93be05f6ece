import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import type { Credentials } from '../../src/options/tls/credentials.ts';
import { newTicketKeys } from '../../src/options/tls/ticket-keys.ts';
import { Handshakes } from '../../src/streams/handshakes.ts';
import { Certificates } from './certificates.ts';

const TIMEOUT = 200;
const STOOD_STILL = 1500;

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const pair = certificates.issue('server', certificates.authority('authority'));
const credentials: Credentials = {
  cert: readFileSync(pair.cert, 'utf8'),
  key: readFileSync(pair.key, 'utf8'),
  ca: undefined,
  crl: [],
  requestClientCert: false,
  start: 'now',
  alpn: [],
  sni: {},
  ticketKeys: newTicketKeys(),
  handshakeTimeout: TIMEOUT,
};

/** Leads the next client of a server through its handshake, after `before`; resolves with how that ended. */
function handshake(before: () => void) {
  let finish: (how: string) => void;
  const ended = new Promise<string>((resolve) => (finish = resolve));
  const handshakes = new Handshakes(credentials, {
    secured: (_newcomer, socket) => {
      socket.destroy();
      finish('secured');
    },
    failed: (_newcomer, problem) => finish(problem),
  });
  const server = createServer((socket) => {
    handshakes.begin({ fd: 1, generation: 1 }, socket);
    before();
  }).listen(0, '127.0.0.1');
  return { server, ended };
}

async function dial(server: ReturnType<typeof createServer>): Promise<Socket> {
  await once(server, 'listening');
  return connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
}

it('a client whose part of the handshake came in time is let in when the whole process stood still', async () => {
  const { server, ended } = handshake(() => {
    // The timer is due before what the client has sent is read.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOOD_STILL);
  });
  const client = connectSecure({ socket: await dial(server), rejectUnauthorized: false });
  client.on('error', () => {}).resume();
  expect(await ended).toBe('secured');
  client.destroy();
  server.close();
});

it('a silent client is closed all the same, a timeout later', async () => {
  const { server, ended } = handshake(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOOD_STILL);
  });
  const client = await dial(server);
  expect(await ended).toBe(`no handshake within ${TIMEOUT}ms`);
  client.destroy();
  server.close();
});
