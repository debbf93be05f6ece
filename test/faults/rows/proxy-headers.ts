import { fileURLToPath } from 'node:url';
import { headerV1, headerV2 } from '../../support/proxy-headers.ts';
import { Peer } from '../../server/peer.ts';
import { type Row, within } from '../row.ts';

const PROXY = '127.0.0.2';
const TIMEOUT = 1000;
const SERVICE = fileURLToPath(new URL('../counting-service.mjs', import.meta.url));

const PARTS = { from: '203.0.113.7', to: '203.0.113.9', fromPort: 4711, toPort: 443 };
const HEADERS = [headerV1(PARTS), headerV2(PARTS)];
const CLIENT = '203.0.113.7 4711';
const OVERSIZED = [
  Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`),
  headerV2({ ...PARTS, records: Buffer.alloc(65_000) }),
  Buffer.from(`PROXY ${'x'.repeat(65_536)}\r\n`),
];

/** Who the server says that a client is which begins with `header` and comes from `address`. */
async function whoIs(port: number, header: Buffer, address: string): Promise<string> {
  const peer = await Peer.connect(port, address);
  peer.send(Buffer.concat([header, Buffer.from('\nwho\n')]));
  const lines = address === PROXY ? 2 : header.toString('latin1').split('\n').length + 1;
  let last = '';
  for (let line = 0; line < lines; line++) last = await peer.line();
  await peer.leave();
  return last === `${address} ${peer.localPort}` ? 'itself' : last;
}

/** Peers of the load balancer that send a part of a header, cut at each byte, then finish, or nothing more. */
async function cut(port: number, finishes: boolean): Promise<Peer[]> {
  const parts = HEADERS.flatMap((header) =>
    Array.from({ length: header.length - 1 }, (_, at) => header.subarray(0, at + 1)),
  );
  return Promise.all(
    parts.map(async (part) => {
      const peer = (await Peer.connect(port, PROXY)).send(part);
      return finishes ? peer.finish() : peer;
    }),
  );
}

export const proxyHeaders: Row = {
  fault: 'PROXY headers (both versions): spoofed, cut at every byte and then the end or silence, oversized',
  asked: 'believed from a listed address only; the others closed by messageTimeout + 1 s, and no service sees them',
  async run(stage) {
    const options = { service: SERVICE, framing: 'line', messageTimeout: TIMEOUT, proxyProtocol: PROXY } as const;
    const server = await stage.start({ ...options, threads: 2 });
    const believed = await Promise.all(HEADERS.map((header) => whoIs(server.port, header, PROXY)));
    const spoofed = await Promise.all(HEADERS.map((header) => whoIs(server.port, header, '127.0.0.1')));
    const isRight = believed.every((who) => who === CLIENT) && spoofed.every((who) => who === 'itself');
    await within(5000, async () => (await server.stats()).clients === 0);
    const before = await server.stats();
    const from = performance.now();
    const silent = await cut(server.port, false);
    const others = await cut(server.port, true);
    for (const bytes of OVERSIZED) others.push((await Peer.connect(server.port, PROXY)).send(bytes));
    const all = [...silent, ...others];
    const gone = await within(TIMEOUT + 5000, async () => (await server.stats()).clients === 0);
    const took = performance.now() - from;
    const { closes, opened } = await server.stats();
    for (const peer of all) await peer.leave();
    const counted = (closes['proxy-error'] ?? 0) + (closes['message-timeout'] ?? 0);
    return {
      measured: `believed: ${believed.join(', ')}; spoofed: ${spoofed.join(', ')}; ${counted} of ${all.length} others closed (${closes['proxy-error']} proxy-error, ${closes['message-timeout']} message-timeout) after ${(took / 1000).toFixed(1)} s; the service saw ${opened - before.opened} of them`,
      passed: isRight && gone && took <= TIMEOUT + 1000 && counted === all.length && opened === before.opened,
    };
  },
};
