import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Snapshot } from '../../../src/admin/control/snapshot.ts';
import { Peer } from '../../server/peer.ts';
import { textAt } from '../../support/control-at.ts';
import { type Row, sum } from '../row.ts';
import type { Stage } from '../stage.ts';

const BLOCKS = 100;
const BLOCK_MS = 300;
/** After a sample no thread is sampled for 300 ms: so long until the next block has lasted 100 ms. */
const PAUSE_MS = 250;
const NAMED = 95;
const ENDED = 50;
/** A thread is sampled once it has been blocked for 100 ms; that takes some 50. */
const TIMEOUT_MS = 130;
const SERVICE = fileURLToPath(new URL('../../server/services/blocking-lines.mjs', import.meta.url));
/** The lines that each way of the service blocks its thread in. */
const LINES: Readonly<Record<string, RegExp>> = {
  first: /^(now ← )?first blocking-lines\.mjs:[45]$/,
  second: /^second blocking-lines\.mjs:(8|10|11)$/,
  third: /^((get )?\w+ ← )?third blocking-lines\.mjs:1[678]$/,
};

/** Blocks a thread again and again; gives for how many blocks the right line was found, and what else was. */
async function named(stage: Stage, control: string): Promise<{ readonly right: number; readonly wrong: string[] }> {
  const server = await stage.start({ service: SERVICE, threads: 2, control });
  const peer = await Peer.connect(server.port);
  const asked = new Map<string, number>();
  for (let count = 0; count < BLOCKS; count++) {
    const way = Object.keys(LINES)[count % 3] as string;
    asked.set(way, (asked.get(way) ?? 0) + 1);
    await peer.ask(`${way} ${BLOCK_MS}`);
    await delay(PAUSE_MS);
  }
  await peer.leave();
  const { codes } = JSON.parse(await textAt(control, '/v1/snapshot')) as Snapshot;
  const found = (way: string): number =>
    sum(codes.filter(({ code = '' }) => LINES[way]?.test(code)).map(({ count }) => count));
  const isKnown = (code: string): boolean => Object.values(LINES).some((line) => line.test(code));
  return {
    right: sum([...asked].map(([way, count]) => Math.min(count, found(way)))),
    wrong: codes.flatMap(({ code = '', count }) => (isKnown(code) ? [] : [`${count} × ${code || 'no code'}`])),
  };
}

/** Has threads ended while they are sampled; gives how many were, and how many clients they took with them. */
async function ended(stage: Stage, control: string): Promise<{ readonly threads: number; readonly clients: number }> {
  const server = await stage.start({ service: SERVICE, threads: 2, control, handlerTimeout: TIMEOUT_MS });
  for (let count = 0; count < ENDED; count++) {
    const peer = await Peer.connect(server.port);
    peer.send('second 60000\n');
    await peer.over();
    await peer.leave();
  }
  const { closes, exits } = await server.stats();
  return { threads: sum(Object.values(exits)), clients: closes['handler-timeout'] ?? 0 };
}

export const blockedCode: Row = {
  fault: `${BLOCKS} messages block a thread for ${BLOCK_MS} ms each, in three functions; then ${ENDED} threads are sampled as handlerTimeout ends them`,
  asked: `${NAMED} of ${BLOCKS} blocks are named by function and line; each of the threads ends, with its client`,
  async run(stage) {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-code-'));
    try {
      const { right, wrong } = await named(stage, join(folder, 'named.sock'));
      const { clients, threads } = await ended(stage, join(folder, 'ended.sock'));
      const others = wrong.length === 0 ? '' : ` (${wrong.join(', ')})`;
      return {
        measured: `${right} of ${BLOCKS} named${others}; ${threads} threads ended, ${clients} clients closed as handler-timeout`,
        passed: right >= NAMED && threads === ENDED && clients === ENDED,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
