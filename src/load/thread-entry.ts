/** Begins a generator thread: wiring only. */

import { parentPort, workerData } from 'node:worker_threads';
import { nameInLibrary } from '../options/source.ts';
import { openLibc } from '../sys/libc.ts';
import { ControlWords } from './control-words.ts';
import { EpollWires } from './wires/epoll-wires.ts';
import { CannotConnect, Generator } from './generator.ts';
import type { GeneratorData, GeneratorMessage } from './load.ts';
import type { ReplyCheck } from './messages/expected.ts';
import type { LoadPlan } from './plan.ts';
import { runSoon } from './run-soon.ts';
import type { Wires } from './wires/wires.ts';

async function wiresFor({ address, settings }: LoadPlan): Promise<Wires> {
  if (address !== undefined) {
    const sys = openLibc();
    runSoon(sys);
    return new EpollWires(sys, address);
  }
  const [{ openerFor }, { NodeWires }] = await Promise.all([
    import('../client/open-socket.ts'),
    import('./wires/node-wires.ts'),
  ]);
  return new NodeWires(await openerFor({ ...settings, signal: undefined }, nameInLibrary));
}

/** The clients that the run is about may have a module that judges their replies. */
async function checkOf({ groups: [clients] }: LoadPlan): Promise<ReplyCheck | undefined> {
  if (clients?.expected.kind !== 'module') return undefined;
  const { loadReplyCheck } = await import('./messages/reply-module.ts');
  return loadReplyCheck(clients.expected.href);
}

/** One of all generators tells of the edges: the one that reads the server's clock. */
function edgeTeller({ server }: LoadPlan): () => void {
  return server === undefined ? () => {} : () => tell('edge');
}

function tell(message: GeneratorMessage): void {
  parentPort?.postMessage(message);
}

async function run({ control, count, plan }: GeneratorData): Promise<GeneratorMessage> {
  const wires = await wiresFor(plan);
  try {
    const parts = {
      wires,
      control: new ControlWords(control, count),
      check: await checkOf(plan),
      onEdge: edgeTeller(plan),
    };
    return { record: await new Generator(plan, parts).run() };
  } catch (error) {
    if (error instanceof CannotConnect) return { problem: error.message };
    throw error;
  } finally {
    wires.close();
  }
}

run(workerData as GeneratorData)
  .then(tell)
  .catch((error: unknown) => {
    throw error; // A fault of the generator: the thread ends with it, and whoever started the thread is told.
  });
