import { describe, expect, it } from 'vitest';
import { Peer } from './peer.ts';
import { noMoves, service, start } from './running.ts';

const BUSY = service('busy');
const RANGE = { threads: { min: 2, max: 4 } };

/** Has clients ask for `line` again and again until `over` is done; resolves with how many answers each got. */
async function askAll(peers: readonly Peer[], line: string, over: Promise<unknown>): Promise<number[]> {
  const state = { isOver: false };
  void over.then(() => (state.isOver = true));
  return Promise.all(
    peers.map(async (peer) => {
      let answers = 0;
      while (!state.isOver) {
        expect(await peer.ask(line)).toBe(line);
        answers++;
      }
      return answers;
    }),
  );
}

describe.skipIf(noMoves)('beside more clients than threads whose messages compute', () => {
  it('light clients are answered all along, and each of the others has its turns', async () => {
    await using running = await start(BUSY, RANGE);
    const light = await running.connect();
    const heavy = await Peer.connectAll(running.port, 10);
    expect(await light.ask('hello')).toBe('hello');
    let asked = 0;
    const talk = (async () => {
      for (const end = performance.now() + 3_000; performance.now() < end; asked++) {
        expect(await light.ask(`line ${asked}`)).toBe(`line ${asked}`);
      }
    })();
    const answers = await askAll(heavy, 'busy 40', talk);
    await talk;
    expect(Math.min(...answers)).toBeGreaterThan(0);
    await running.clients(11);
    expect(await running.all('close')).toEqual([]);
  });

  it('those that wait for a turn move to new code, and are answered when the server leaves', async () => {
    await using running = await start(BUSY, RANGE);
    const heavy = await Peer.connectAll(running.port, 8);
    await askAll(heavy, 'busy 60', Promise.all(heavy.map((peer) => peer.ask('busy 60'))));
    const asked = heavy.map((peer) => peer.ask('busy 30'));
    await running.server.reload();
    expect(await Promise.all(asked)).toEqual(heavy.map(() => 'busy 30'));
    const last = heavy.map((peer) => peer.ask('busy 20'));
    await running.server.drain();
    expect(await Promise.all(last)).toEqual(heavy.map(() => 'busy 20'));
  });
});

it.skipIf(noMoves)(
  'a client that pipelines expensive messages gets all replies in order, one turn at a time',
  async () => {
    await using running = await start(BUSY, RANGE);
    const [one, other] = (await Peer.connectAll(running.port, 2)) as [Peer, Peer];
    const lines = Array.from({ length: 12 }, (_, index) => `busy ${20 + index}`);
    one.send(lines.map((line) => `${line}\n`).join(''));
    const replies: string[] = [];
    for (const _ of lines) {
      replies.push(await one.line());
      expect(await other.ask('busy 25')).toBe('busy 25');
    }
    expect(replies).toEqual(lines);
  },
);

it.skipIf(noMoves)(
  'with one thread only, the server says once that others wait for the client that blocks it',
  async () => {
    await using running = await start(BUSY, { threads: 1 });
    const [blocks, waits] = (await Peer.connectAll(running.port, 2)) as [Peer, Peer];
    expect(await waits.ask('hello')).toBe('hello');
    for (let time = 0; time < 2; time++) expect(await blocks.ask('block 150')).toBe('block 150');
    expect(await running.all('only-thread-blocked')).toMatchObject([{ port: blocks.localPort, waiting: 1 }]);
  },
);

it('a client whose messages compute and that reads nothing is closed at sendTimeout', async () => {
  await using running = await start(BUSY, { ...RANGE, sendTimeout: 300 });
  const clients = await Peer.connectAll(running.port, 3);
  for (const client of clients) {
    client.socket.pause();
    client.send('busy 20 262144\n'.repeat(100));
  }
  expect((await running.seen('close', 3)).map(({ reason }) => reason)).toEqual(clients.map(() => 'send-timeout'));
});
