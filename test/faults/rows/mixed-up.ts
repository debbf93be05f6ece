import { setTimeout as delay } from 'node:timers/promises';
import { killThread } from '../../../bench/harness/control-client.ts';
import { Peer } from '../../server/peer.ts';
import type { FaultServer } from '../fault-server.ts';
import { talk } from '../loads.ts';
import { type Row, sum } from '../row.ts';

const CLIENTS = 100;
const CHURN = 10;
const LASTS = 8000;
const KILL_EVERY = 250;
const RELOAD_EVERY = 1500;

const until = async (over: AbortSignal, every: number, act: () => Promise<unknown>): Promise<void> => {
  while (!over.aborted) {
    await act();
    await delay(every);
  }
};

/** Comes, says one thing that only this client says, and leaves. Resolves with the answer; `undefined`: it was cut off. */
async function visit(port: number, nonce: string): Promise<string | undefined> {
  const peer = await Peer.connect(port);
  const answer = await peer.ask(nonce).catch(() => undefined);
  await peer.leave();
  return answer;
}

async function churn(
  server: FaultServer,
  over: AbortSignal,
  client: number,
): Promise<{ right: number; wrong: number }> {
  let [visits, right, wrong] = [0, 0, 0];
  await until(over, 0, async () => {
    const nonce = `nonce ${client} ${visits++}`;
    const answer = await visit(server.port, nonce);
    if (answer === nonce) right++;
    else if (answer !== undefined) wrong++;
  });
  return { right, wrong };
}

export const mixedUp: Row = {
  fault: `bytes to the wrong client: a nonce in every message, beside clients that come and go, moves, thread kills and reloads, for ${LASTS / 1000} s`,
  asked: 'no reply is another’s (10 million messages: `npm run bench -- integrity`)',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: '2..6' });
    const over = AbortSignal.timeout(LASTS);
    const comers = Promise.all(Array.from({ length: CHURN }, (_, client) => churn(server, over, client)));
    const talking = { lights: CLIENTS, burners: 2, burnMs: 20, thinkMs: 1, ms: 600_000, lossy: true, until: comers };
    const [{ checked }, came] = await Promise.all([
      talk(server, talking),
      comers,
      until(over, KILL_EVERY, () => killThread(server.port)),
      until(over, RELOAD_EVERY, () => server.reload()),
    ]);
    const { accepted, moves } = await server.stats();
    const wrong = sum(came.map((client) => client.wrong));
    const right = checked + sum(came.map((client) => client.right));
    return {
      measured: `${right} replies right, ${wrong} wrong; ${accepted} clients, ${sum(Object.values(moves))} moves`,
      passed: wrong === 0 && right > checked,
    };
  },
};
