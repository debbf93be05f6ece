import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dialers } from '../../support/dialers.ts';
import { type Metrics, metricsAt, sumOf } from '../../support/metrics-at.ts';
import { Peer } from '../../server/peer.ts';
import { type Row, sum, within } from '../row.ts';

const TAKE_OVERS = 20;
const TALKERS = 100;
const DIALERS = 4;
/** A dialer that has just come again may be counted with the connection that it has reset, here and in the old process. */
const MOST_CLIENTS = TALKERS + 3 * DIALERS;

/** Talks all the time; gives how many replies were right, and whether all were. */
async function talk(peer: Peer, over: AbortSignal): Promise<{ readonly answered: number; readonly isKept: boolean }> {
  let answered = 0;
  while (!over.aborted) {
    if ((await peer.ask('hello').catch(() => undefined)) !== 'hello') return { answered, isKept: false };
    answered++;
  }
  return { answered, isKept: true };
}

/** Looks all the time; gives the most clients that were ever shown. Between two processes nobody is there for a moment. */
async function mostClients(control: string, over: AbortSignal): Promise<number> {
  let most = 0;
  while (!over.aborted) {
    const metrics = await metricsAt(control).catch(() => undefined);
    most = Math.max(most, metrics?.get('heddle_clients') ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return most;
}

function totalsOf(metrics: Metrics) {
  return {
    accepted: sumOf(metrics, 'heddle_clients_accepted_total'),
    messages: sumOf(metrics, 'heddle_messages_total'),
    responses: sumOf(metrics, 'heddle_response_seconds_count'),
    closed: sumOf(metrics, 'heddle_clients_closed_total'),
    clients: sumOf(metrics, 'heddle_clients'),
    dropped: sumOf(metrics, 'heddle_deploy_dropped_clients_total'),
    deploys: sumOf(metrics, 'heddle_deploys_total'),
    generation: sumOf(metrics, 'heddle_generation'),
  };
}

export const takeOvers: Row = {
  fault: `${TAKE_OVERS} take-overs while ${TALKERS} clients talk and ${DIALERS} come and go`,
  asked:
    'none dropped, as the server and as the clients count; totals over all processes are what the clients have counted; no client is ever shown twice',
  async run(stage) {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-take-overs-'));
    const control = join(folder, 'control.sock');
    const options = { framing: 'line', threads: 2, takeOver: join(folder, 'next'), control } as const;
    try {
      let server = await stage.start(options);
      const over = new AbortController();
      const peers = await Peer.connectAll(server.port, TALKERS);
      const talking = peers.map((peer) => talk(peer, over.signal));
      const dialers = new Dialers(server.port, DIALERS, 'hello\n', (text) => text === 'hello\n');
      const looking = mostClients(control, over.signal);
      for (let count = 0; count < TAKE_OVERS; count++) {
        const old = server;
        server = await stage.start(options);
        await old.ended();
      }
      const { answered: dialed, lost, refused, reset } = await dialers.end();
      over.abort();
      const [most, talked] = await Promise.all([looking, Promise.all(talking)]);
      const cutOff = talked.filter(({ isKept }) => !isKept).length + lost + refused + reset;
      const messages = sum(talked.map(({ answered }) => answered)) + dialed;
      const asked = {
        accepted: TALKERS + dialed,
        messages,
        responses: messages,
        closed: dialed,
        clients: TALKERS,
        dropped: 0,
        deploys: TAKE_OVERS,
        generation: TAKE_OVERS + 1,
      };
      // The last dialers' resets are noticed a moment later.
      let totals = asked;
      const isRight = await within(5000, async () => {
        totals = { ...asked, ...totalsOf(await metricsAt(control)) };
        return JSON.stringify(totals) === JSON.stringify(asked);
      });
      for (const peer of peers) await peer.leave();
      return {
        measured: `${cutOff} cut off, ${totals.dropped} said to be; ${totals.messages} of ${messages} messages and ${totals.accepted} of ${TALKERS + dialed} clients counted by ${totals.generation} processes; at most ${most} of ${TALKERS} + ${DIALERS} clients shown`,
        passed: isRight && cutOff === 0 && most <= MOST_CLIENTS,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
