import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Peer } from '../../server/peer.ts';
import { HEDDLE, here as inSystem, Running } from '../../system/processes.ts';
import type { Row } from '../row.ts';

const SERVICE = fileURLToPath(new URL('../service.mjs', import.meta.url));
const ENDED_WITHIN = 2000;
const DEATHS = 3;
const NAMESPACE = 'unshare --user --map-root-user --mount sh -c';
const KUBERNETES =
  'HEDDLE_PORT=tcp://10.96.0.12:12345 HEDDLE_SERVICE_HOST=10.96.0.12 HEDDLE_WEB_PORT_9090_TCP_ADDR=10.96.0.12';
const WORDS = ['serve', SERVICE, '--host', '127.0.0.1', '--port', '0', '--framing', 'line', '--threads', '2'];

/** Something around the process: what a shell does before the server, and what happens while it runs. */
interface Surroundings {
  readonly name: string;
  readonly before: string;
  happen?(port: number): Promise<void>;
  leave?(server: Running): void;
}

async function dieOften(port: number): Promise<void> {
  for (let death = 0; death < DEATHS; death++) {
    await using peer = await Peer.connect(port);
    peer.send('exit\n');
    await peer.over();
  }
}

/** `folder` has a hook with a timer, and one more folder to be removed. */
function all(folder: string): readonly Surroundings[] {
  const gone = mkdtempSync(join(folder, 'gone-'));
  const hook = join(folder, 'hook.cjs');
  writeFileSync(hook, 'setInterval(() => {}, 1000);');
  return [
    {
      name: 'its terminal is closed',
      before: `exec python3 ${inSystem('terminal.py')} "$0" "$@"`,
      leave: (server) => void server.child.stdin?.end('{"close": true}\n'),
    },
    { name: 'NODE_OPTIONS load a timer', before: `NODE_OPTIONS="--require ${hook}" exec "$0" "$@"` },
    {
      name: 'its folder is removed and threads die',
      before: `cd ${gone}; exec "$0" "$@"`,
      happen: async (port) => {
        rmdirSync(gone);
        await dieOften(port);
      },
    },
    { name: 'no /proc', before: `exec ${NAMESPACE} 'mount -t tmpfs tmpfs /proc && exec "$0" "$@"' "$0" "$@"` },
    {
      name: '--watch without inotify watches',
      before: `exec ${NAMESPACE} 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$0" "$@" --watch' "$0" "$@"`,
    },
    { name: 'a Kubernetes Service named heddle', before: `${KUBERNETES} exec "$0" "$@"` },
  ];
}

/** Resolves with how long the server took to end, in ms; rejects if it does not serve, or ends with another status than 0. */
async function serveIn({ before, happen, leave }: Surroundings): Promise<number> {
  await using server = new Running('sh', ['-c', before, process.execPath, HEDDLE, ...WORDS]);
  // For the terminal, which is read as far as this.
  if (leave !== undefined) server.child.stdin?.write('{"wait": "Server running on port "}\n{"wait": "\\n"}\n');
  const port = Number((await server.shows(/Server running on port (\d+)/))[1]);
  await happen?.(port);
  const peer = await Peer.connect(port);
  if ((await peer.ask('hello')) !== 'hello') throw new Error('it does not serve');
  await peer.leave();
  const from = performance.now();
  if (leave === undefined) server.child.kill('SIGTERM');
  else leave(server);
  const { status, stderr } = await server.finished();
  if (status !== 0) throw new Error(`it ended with status ${status}: ${stderr}`);
  return performance.now() - from;
}

export const surroundings: Row = {
  fault: `around the process: its terminal is closed; NODE_OPTIONS load a timer into each thread; its folder is removed and ${DEATHS} threads die; no /proc; no inotify watches; a Kubernetes Service of its name`,
  asked: `served in each of them, then ended with status 0 within ${ENDED_WITHIN / 1000} s`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-around-'));
    const problems: string[] = [];
    let longest = 0;
    const kinds = all(folder);
    for (const kind of kinds) {
      const took = await serveIn(kind).catch((error: Error) => void problems.push(`${kind.name}: ${error.message}`));
      longest = Math.max(longest, took ?? 0);
    }
    rmSync(folder, { recursive: true, force: true });
    const served = `served and ended in ${kinds.length - problems.length} of ${kinds.length}, after ${longest.toFixed(0)} ms at most`;
    return {
      measured: [served, ...problems].join('; '),
      passed: problems.length === 0 && longest <= ENDED_WITHIN,
    };
  },
};
