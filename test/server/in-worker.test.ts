import { once } from 'node:events';
import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Peer } from './peer.ts';
import { noMoves, service } from './running.ts';

const HEDDLE = new URL('../../dist/index.js', import.meta.url).href;

/** Starts a server in a worker, which ends itself when it is told how. */
async function startInWorker(): Promise<{ readonly worker: Worker; readonly port: number }> {
  const options = `{ service: ${JSON.stringify(service('echo').href)}, framing: 'line', port: 0, host: '127.0.0.1', threads: 2 }`;
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { serve } from ${JSON.stringify(HEDDLE)};
    const server = await serve(${options});
    parentPort.on('message', (how) => {
      if (how === 'exit') process.exit();
      if (how === 'throw') throw new Error('thrown');
      void server.close().then(() => process.exit());
    });
    parentPort.postMessage(server.address.port);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  worker.on('error', () => {});
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = (await once(worker, 'message')) as [number];
  return { worker, port };
}

/** Listens at `port`, which fails where somebody else does. */
async function listen(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

describe('a server in a worker', () => {
  it.each(['exit', 'throw', 'close'])(
    'leaves no client and no port behind when its worker ends by itself: %s',
    async (how) => {
      const { worker, port } = await startInWorker();
      await using peer = await Peer.connect(port);
      expect(await peer.ask('hello')).toBe('hello');
      const ended = new Promise((resolve) => worker.once('exit', resolve)); // `once` would reject with what is thrown.
      worker.postMessage(how);
      await Promise.all([ended, peer.over()]);
      await listen(port);
    },
  );

  it.skipIf(noMoves)('leaves no port behind when its worker is terminated', async () => {
    const { worker, port } = await startInWorker();
    await using peer = await Peer.connect(port);
    expect(await peer.ask('hello')).toBe('hello');
    await worker.terminate();
    await listen(port);
  });
});
