import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ServerResponse } from '../../../src/cli/bench/server-response.ts';
import { testFolder } from '../../support/folder.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server with process number 7 that says the next of `snapshots` at each edge; gives where its control socket is. */
async function serverThatSays(...snapshots: readonly (object | undefined)[]): Promise<NodeJS.ProcessEnv> {
  const runtime = testFolder();
  mkdirSync(join(runtime, 'heddle'), { mode: 0o700 });
  const left = [{ response: [0, 0, 0] }, ...snapshots];
  const server = createServer((_request, response) => {
    const snapshot = left.shift();
    if (snapshot === undefined) response.socket?.destroy();
    else response.end(`${JSON.stringify({ schema: 1, bounds: [0.001, 0.002, 0.004], ...snapshot })}\n`);
  }).listen(join(runtime, 'heddle', '7.sock'));
  servers.push(server);
  await once(server, 'listening');
  return { XDG_RUNTIME_DIR: runtime };
}

/** What the server says of so many edges. */
async function waitsAt(environment: NodeJS.ProcessEnv, edges: number) {
  const response = await ServerResponse.of(7, environment);
  for (let edge = 0; edge < edges; edge++) {
    response?.onEdge();
    // One after the other, as edges are.
    await response?.waits();
  }
  return response?.waits();
}

it('takes what the server counted in the measured times only', async () => {
  const environment = await serverThatSays(
    { response: [900, 0, 50] },
    { response: [950, 48, 51] },
    { response: [990, 48, 99] },
    { response: [991, 48, 99] },
  );
  // 51 messages within 1 ms, 48 within 2 ms, 1 within 4 ms.
  expect(await waitsAt(environment, 4)).toEqual({ count: 100, p50Ms: 1, p99Ms: 2 });
});

it('says nothing where a measured time was ended early, or the server is gone or of another version', async () => {
  expect(await waitsAt(await serverThatSays({ response: [1, 0, 0] }), 1)).toBe(undefined);
  expect(await waitsAt(await serverThatSays({ response: [1, 0, 0] }, undefined), 2)).toBe(undefined);
  expect(await waitsAt(await serverThatSays({ response: [1, 0, 0] }, { schema: 99 }), 2)).toBe(undefined);
  expect(await ServerResponse.of(7, { XDG_RUNTIME_DIR: testFolder() })).toBe(undefined);
});
