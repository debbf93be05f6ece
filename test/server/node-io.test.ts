import { createServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Peer } from './peer.ts';
import { service, start } from './running.ts';
import { wait } from './services/waits.mjs';

const ROUNDS = 30;
/** A machine that is busy with something else delays anyone; a wait of ours would delay every try. */
const TRIES = 10;
const http = createServer((_request, response) => response.end('hello'));
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
});
afterAll(() => new Promise((resolve) => http.close(resolve)));

/** The same service on Node's own net, in this thread: what its waits cost without ours. */
const plain = createNetServer((socket) => {
  socket.on('data', (data) => void wait(String(data).trim()).then((reply) => socket.write(`${reply}\n`)));
});
let plainPort = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  plainPort = (plain.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => plain.close(resolve)));

async function median(port: number, line: string): Promise<number> {
  await using peer = await Peer.connect(port);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    expect(await peer.ask(line)).toBe(line.split(' ')[0]);
    times.push(performance.now() - began);
  }
  return times.sort((one, other) => one - other)[ROUNDS / 2] ?? 0;
}

/** Tries until `isGood`; in the end it must be. */
async function soonerOrLater(isGood: () => Promise<string | true>): Promise<void> {
  let result = await isGood();
  for (let tries = 1; tries < TRIES && result !== true; tries++) result = await isGood();
  expect(result).toBe(true);
}

describe('a service that awaits something of Node’s own', () => {
  it.each([
    ['a timer of 5 ms', () => 'timer 5'],
    ['a file', () => `file ${fileURLToPath(import.meta.url)}`],
    ['a fetch', () => `fetch ${url}`],
  ])('is not delayed by the waits for sockets: %s', async (_what, line) => {
    await using running = await start(service('waits'), { threads: 1 });
    await soonerOrLater(async () => {
      const ofNode = await median(plainPort, line());
      const ofHeddle = await median(running.port, line());
      return ofHeddle < 3 * ofNode + 2 || `${ofHeddle} ms, with Node alone ${ofNode}`;
    });
  });

  it('gets its timers on time beside clients that talk', async () => {
    await using running = await start(service('waits'), { threads: 1 });
    await using busy = await running.connect();
    const talk = { goesOn: true };
    const talked = (async () => {
      while (talk.goesOn) await busy.ask('timer 0');
    })();
    await soonerOrLater(async () => {
      const ofNode = await median(plainPort, 'timer 5');
      const took = await median(running.port, 'timer 5');
      return took < Math.max(20, 3 * ofNode) || `${took} ms, with Node alone ${ofNode}`;
    });
    talk.goesOn = false;
    await talked;
  });
});

it('an idle server uses almost no CPU', async () => {
  await using running = await start(undefined, { threads: 2 });
  await using peer = await running.connect();
  await peer.send('abc').take(3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // What the process does beside, such as to collect garbage, it does not all the time.
  await soonerOrLater(async () => {
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { user, system } = process.cpuUsage(before);
    const took = (user + system) / 1000;
    return took < 100 || `${took} ms of CPU in a second`;
  });
});
