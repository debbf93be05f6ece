import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from '../../../bench/harness/child.ts';
import { Peer } from '../../server/peer.ts';
import { textAt } from '../../support/control-at.ts';
import type { Row } from '../row.ts';

const CLIENTS = 1000;
const LIMIT_MS = 500;
const TRIES = 3;
const HEDDLE = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const SERVICE = fileURLToPath(new URL('../service.mjs', import.meta.url));
/** The loop that blocks the thread; V8 may have inlined it into its caller. */
const CODE = /\b(stick|message) service\.mjs:\d+/;

type Seen = Readonly<Record<string, Promise<number>>>;

/** Resolves with the time at which an answer at `path` names the code. */
async function seenAt(control: string, path: string): Promise<number> {
  while (!CODE.test(await textAt(control, path))) await delay(10);
  return performance.now();
}

/** Resolves when `child` prints a line that matches; never, as a time, if that does not name the code. */
async function printed(child: Child, pattern: RegExp): Promise<number> {
  const { input } = await child.line(pattern);
  return CODE.test(input) ? performance.now() : Infinity;
}

/** Reads what `heddle page` tells a browser, until that names the code. */
async function onPage(address: string, over: AbortSignal): Promise<number> {
  const { origin, hash } = new URL(address);
  const headers = { authorization: `Bearer ${hash.slice(1)}` };
  const { body } = await fetch(`${origin}/v1/stream`, { headers, signal: over });
  let text = '';
  for await (const piece of body ?? []) {
    text = (text + Buffer.from(piece).toString()).slice(-100_000);
    if (CODE.test(text)) break;
  }
  return performance.now();
}

/** Blocks a thread of a new server; gives after how many ms each place has named the code. */
async function attempt(): Promise<Readonly<Record<string, number>>> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-who-'));
  const control = join(folder, 'control.sock');
  const over = new AbortController();
  const words = ['--host', '127.0.0.1', '--port', '0', '--framing', 'line', '--control', control];
  const command = [
    process.execPath,
    HEDDLE,
    'serve',
    SERVICE,
    ...words,
    '--handler-timeout',
    'never',
    '--shutdown-timeout',
    '100ms',
  ];
  const server = new Child(['sh', '-c', 'exec "$0" "$@" 2>&1', ...command]); // Warnings go to stderr.
  const children = [server];
  try {
    const [, port] = await server.line(/Server running on port (\d+)/);
    const peers = await Peer.connectAll(Number(port), CLIENTS);
    await Promise.all(peers.map((peer) => peer.ask('hello')));
    const page = new Child([process.execPath, HEDDLE, 'page', control]);
    const top = new Child([process.execPath, HEDDLE, 'top', control, '--json', '--interval', '100ms']);
    children.push(page, top);
    const [, address = ''] = await page.line(/^The page is at (\S+)$/);
    await top.line(/^\{/);
    const seen: Seen = {
      page: onPage(address, over.signal),
      top: printed(top, CODE),
      doctor: seenAt(control, '/v1/snapshot'), // Its first sentence.
      '/metrics': seenAt(control, '/metrics'),
      log: printed(server, /has been blocked for/),
    };
    await delay(500); // The page has said all that there was before.
    const begun = performance.now();
    peers[0]?.send('stick\n');
    const times = Object.entries(seen).map(async ([name, time]) => [name, (await time) - begun] as const);
    const result = Object.fromEntries(await Promise.all(times));
    for (const peer of peers) peer.socket.destroy();
    return result;
  } finally {
    over.abort();
    await Promise.all(children.map((child) => child.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

export const whoBlocks: Row = {
  fault: `a message blocks a thread of the command with ${CLIENTS} clients`,
  asked: `page, top, doctor, /metrics and the log name function and line within ${LIMIT_MS} ms (the best of ${TRIES}: noise only adds)`,
  async run() {
    const best = new Map<string, number>();
    for (let tries = 0; tries < TRIES && !isRight(best); tries++)
      for (const [name, ms] of Object.entries(await attempt()))
        best.set(name, Math.min(ms, best.get(name) ?? Infinity));
    const measured = [...best].map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(', ');
    return { measured: `${measured} ms`, passed: isRight(best) };
  },
};

function isRight(times: ReadonlyMap<string, number>): boolean {
  return times.size > 0 && [...times.values()].every((ms) => ms <= LIMIT_MS);
}
