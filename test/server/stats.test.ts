import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { makeGate } from './gate.ts';
import type { Peer } from './peer.ts';
import { type Running, service, start } from './running.ts';

/** What a listener finds counted when it hears of a client. */
interface Found {
  readonly type: ServerEvent['type'];
  readonly clients: number;
  readonly onThreads: number;
  readonly closes: number;
}

/** Starts a server whose listener looks at the numbers at each event of a client, and adds them to `found`. */
async function startWatched(found: Found[], url: URL, options: ServeOptions): Promise<Running> {
  const running = await start(url, options);
  const push = running.events.push.bind(running.events);
  running.events.push = (event) => {
    if (event.type === 'open' || event.type === 'close') found.push({ type: event.type, ...counted(running) });
    return push(event);
  };
  return running;
}

function counted({ server }: Running): Omit<Found, 'type'> {
  const { clients, closes, threads } = server.stats();
  const sum = (numbers: number[]): number => numbers.reduce((one, other) => one + other, 0);
  return { clients, onThreads: sum(threads.map((thread) => thread.clients)), closes: sum(Object.values(closes)) };
}

describe('whoever hears of a client', () => {
  const ENDS: [string, (peer: Peer) => unknown][] = [
    ['finishes', (peer) => peer.finish()],
    ['resets', (peer) => peer.reset()],
    ['is closed by the service', (peer) => peer.send('bye\n').rest()],
  ];

  it.each(ENDS)('finds it counted, and not any more when it %s, whatever the service does then', async (_name, end) => {
    const { gate, held, open } = makeGate();
    const found: Found[] = [];
    await using running = await startWatched(found, service('held-close'), { threads: 1, shared: { gate } });
    await using peer = await running.connect();
    expect(await peer.ask('hello')).toBe('hello');
    await running.seen('open');
    const ended = end(peer);
    await held();
    await running.seen('close');
    open();
    await ended;
    expect(found).toEqual([
      { type: 'open', clients: 1, onThreads: 1, closes: 0 },
      { type: 'close', clients: 0, onThreads: 0, closes: 1 },
    ]);
  });
});
