import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../../bench/harness/child.ts';
import { Dialers } from '../../support/dialers.ts';
import { Peer } from '../../server/peer.ts';
import { type Row, within } from '../row.ts';

const RESTARTS = 20;
const DIALERS = 4;
const RESTING = 20;
/** How often they come again: one after another, for as long as all restarts take. */
const LEAST_DIALS = 1000;

/** A port that was free a moment ago: HAProxy takes no "any". */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** HAProxy before `127.0.0.1:target`. It does not try a server twice: what is refused is seen. */
async function proxyTo(target: number, folder: string): Promise<{ readonly port: number; readonly child: Child }> {
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  const times = ['connect', 'client', 'server'].map((what) => `timeout ${what} 60s`);
  const proxy = ['listen front', `bind 127.0.0.1:${port}`, `server heddle 127.0.0.1:${target}`];
  writeFileSync(file, ['defaults', 'mode tcp', 'retries 0', ...times, ...proxy, ''].join('\n'));
  const child = new Child(['haproxy', '-db', '-f', file]);
  const isUp = await within(10_000, async () => {
    const peer = await Peer.connect(port).catch(() => undefined);
    await peer?.leave();
    return peer !== undefined;
  });
  if (!isUp) throw new Error('HAProxy does not listen');
  return { port, child };
}

export const restarts: Row = {
  fault: `${RESTARTS} restarts behind HAProxy while clients dial constantly`,
  asked: '0 refused, 0 reset, none without its reply; idle clients all keep their connection',
  async run(stage) {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-restarts-'));
    const options = { framing: 'line', threads: 2, takeOver: join(folder, 'next') } as const;
    let server = await stage.start(options);
    const { port, child } = await proxyTo(server.port, folder);
    try {
      const idle = await Peer.connectAll(port, RESTING);
      for (const peer of idle) await peer.ask('hello');
      const dialers = new Dialers(port, DIALERS, 'hello\n', (text) => text === 'hello\n');
      const pids = new Set([server.pid]);
      for (let count = 0; count < RESTARTS; count++) {
        const old = server;
        server = await stage.start(options);
        pids.add(server.pid);
        await old.ended();
      }
      await within(60_000, () => dialers.counts.answered >= LEAST_DIALS);
      const { answered, refused, reset, lost } = await dialers.end();
      const answers = await Promise.all(idle.map((peer) => peer.ask('still here').catch(() => 'gone')));
      const kept = answers.filter((answer) => answer === 'still here').length;
      for (const peer of idle) await peer.leave();
      return {
        measured: `${answered} answered by ${pids.size} processes, ${refused} refused, ${reset} reset, ${lost} without a reply; ${kept} of ${RESTING} idle kept`,
        passed:
          refused + reset + lost === 0 && answered >= LEAST_DIALS && kept === RESTING && pids.size === RESTARTS + 1,
      };
    } finally {
      await child.stop();
      rmSync(folder, { recursive: true });
    }
  },
};
