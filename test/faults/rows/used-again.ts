import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Peer } from '../../server/peer.ts';
import { Certificates, type Pair } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import type { FaultServer } from '../fault-server.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';

const SERVICE = fileURLToPath(new URL('../used-again-service.mjs', import.meta.url));
/** How long the blocks are, and how many of them a client gets. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [100, 2000],
  [5000, 1000],
  [256 * 1024, 100],
];
/** How long a slow reader waits before it reads. */
const LATE_MS = 100;
/** What stands before and behind a message of each framing, by its length. */
const FRAMES = {
  chunk: [() => '', ''],
  line: [() => '', '\n'],
  length: [(length: number) => Buffer.from(Uint32Array.of(length).buffer).swap32(), ''],
  'delimiter:--': [() => '', '--'],
  end: [() => '', ''],
} as const;
type Framing = keyof typeof FRAMES;

function frame(framing: Framing, bytes: Buffer): Buffer {
  const [before, after] = FRAMES[framing];
  return Buffer.concat([Buffer.from(before(bytes.length)), bytes, Buffer.from(after)]);
}

/** Has `peer` get `count` blocks, at once or late; resolves with how many are wrong or missing. */
async function wrongBlocks(peer: Peer, framing: Framing, [size, count]: readonly [number, number], isLate: boolean) {
  if (isLate) peer.socket.pause();
  peer.send(frame(framing, Buffer.from(`${size} ${count}`)));
  if (framing === 'end') peer.finish();
  if (isLate) {
    await delay(LATE_MS);
    peer.socket.resume();
  }
  const got = await peer.rest();
  const { length } = frame(framing, Buffer.alloc(size));
  const isWrong = (index: number): boolean =>
    !got.subarray(index * length, (index + 1) * length).equals(frame(framing, Buffer.alloc(size, index % 251)));
  return Array.from({ length: count }, (_, index) => isWrong(index)).filter(Boolean).length;
}

async function ask(server: FaultServer, framing: Framing, authority: Pair | undefined): Promise<number> {
  let wrong = 0;
  for (const blocks of BLOCKS)
    for (const isLate of [false, true]) {
      await using peer = await (authority === undefined
        ? Peer.connect(server.port)
        : connectTls(server.port, authority));
      wrong += await wrongBlocks(peer, framing, blocks, isLate);
    }
  return wrong;
}

/** Resolves with how many blocks are wrong, of all framings. */
async function askAll(stage: Stage, certificates: Certificates, isSecure: boolean): Promise<number> {
  const authority = certificates.authority(`authority-${isSecure}`);
  const { cert, key } = certificates.issue('server', authority);
  const tls = isSecure ? { tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } } : {};
  let wrong = 0;
  for (const framing of Object.keys(FRAMES) as Framing[]) {
    const how = framing === 'delimiter:--' ? { delimiter: '--' } : (framing as 'chunk');
    const server = await stage.start({ service: SERVICE, framing: how, threads: 1, ...tls });
    wrong += await ask(server, framing, isSecure ? authority : undefined);
    await server.stop();
  }
  return wrong;
}

export const usedAgain: Row = {
  fault: `sessions fill the memory of a message anew as soon as send has settled: framings ${Object.keys(FRAMES).join(', ')}; 100 B to 256 KiB; fast and slow readers; plain and TLS`,
  asked: 'every block as it was when it was sent',
  async run(stage) {
    using certificates = new Certificates();
    const wrong = (await askAll(stage, certificates, false)) + (await askAll(stage, certificates, true));
    const each = BLOCKS.reduce((total, [, count]) => total + count, 0) * 2 * 2;
    return { measured: `${wrong} of ${each * Object.keys(FRAMES).length} blocks wrong`, passed: wrong === 0 };
  },
};
