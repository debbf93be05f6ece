import { setTimeout as delay } from 'node:timers/promises';
import { killThread } from '../../../bench/harness/control-client.ts';
import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { talk } from '../loads.ts';
import { type Row, within } from '../row.ts';

const CLIENTS = 100;
const EVERY = 100;
const LASTS = 10_000;

/** Kills a thread now and then, however long each takes to go; resolves with how many when all are gone. */
async function killForAWhile(port: number): Promise<number> {
  const kills: Promise<void>[] = [];
  for (const end = performance.now() + LASTS; performance.now() < end; await delay(EVERY)) kills.push(killThread(port));
  await Promise.all(kills);
  return kills.length;
}

/** Comes anew again and again until `over`; the longest wait to be served, in ms, and how often it was cut off. */
async function keepComing(port: number, over: AbortSignal): Promise<{ longest: number; cutOff: number }> {
  let [longest, cutOff] = [0, 0];
  while (!over.aborted) {
    const from = performance.now();
    const peer = await Peer.connect(port);
    const answer = await peer.ask('hello').catch(() => undefined);
    if (answer === undefined) cutOff++;
    else longest = Math.max(longest, performance.now() - from);
    await peer.leave();
    await delay(EVERY / 2);
  }
  return { longest, cutOff };
}

async function allGone(server: FaultServer, fds: number): Promise<boolean> {
  return within(15_000, async () => (await server.stats()).clients === 0 && server.fds <= fds);
}

export const threadsKilled: Row = {
  fault: `threads killed at random, one every ${EVERY} ms for ${LASTS / 1000} s, ${CLIENTS} clients talking`,
  asked: 'every loss has its close reason; new clients served within 1 s; no fd leaked',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: '2..24' });
    const before = server.fds;
    const over = new AbortController();
    const killing = killForAWhile(server.port).finally(() => over.abort());
    const [kills, seen, comers] = await Promise.all([
      killing,
      talk(server, { lights: CLIENTS, thinkMs: 5, ms: 600_000, lossy: true, until: killing }),
      keepComing(server.port, over.signal),
    ]);
    const back = await allGone(server, before);
    const { closes } = await server.stats();
    const lost = kills + seen.lostWaiting + seen.lostResting + comers.cutOff;
    return {
      measured: `${kills} kills, ${seen.checked} replies; ${lost} lost, thread-exit ${closes['thread-exit']}; new ones waited ${comers.longest.toFixed(0)} ms at most; fds ${before} → ${server.fds}`,
      passed: back && lost === closes['thread-exit'] && kills > 0 && comers.longest <= 1000,
    };
  },
};
