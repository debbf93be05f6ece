import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Peer } from '../server/peer.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

const TIMEOUT_MS = 60_000;
const SERVICE = `export default {
  framing: 'line',
  message(line) {
    if (String(line) === 'exit') process.exit(1);
    return line;
  },
};
`;

function write(name: string, text: string): string {
  const path = join(testFolder(), name);
  writeFileSync(path, text);
  return path;
}

/** Runs `heddle serve` on a free port from a shell, after `before`. */
function startIn(before: string, ...args: string[]): Running {
  const words = [process.execPath, HEDDLE, 'serve', '--host', '127.0.0.1', '--port', '0', '--threads', '2', ...args];
  return new Running('sh', ['-c', `${before}exec "$0" "$@"`, ...words]);
}

async function portOf(server: Running): Promise<number> {
  return Number((await server.shows(/^Server running on port (\d+)$/m))[1]);
}

/** Whether this user may have namespaces of its own. */
const hasNamespaces = (await run('unshare', ['--user', '--map-root-user', '--mount', 'true'])).status === 0;

describe('heddle serve', () => {
  it('ends though NODE_OPTIONS have loaded something with a timer into each thread', async () => {
    const hook = write('hook.cjs', 'setInterval(() => {}, 1000);');
    await using server = startIn(`NODE_OPTIONS="--require ${hook}" `);
    await portOf(server);
    server.child.kill('SIGTERM');
    expect(await server.finished()).toMatchObject({ status: 0 });
  });

  it('replaces threads and loads new code when the folder that it was started in is gone', async () => {
    const folder = join(testFolder(), 'release-1');
    mkdirSync(folder);
    await using server = startIn(`cd ${folder}; `, write('service.mjs', SERVICE));
    const port = await portOf(server);
    rmdirSync(folder);
    for (let deaths = 1; deaths <= 3; deaths++) {
      await using victim = await Peer.connect(port);
      victim.send('exit\n');
      await victim.over();
      await vi.waitFor(() => expect(server.stderr.match(/ Thread \d ended \(exit\)/g)).toHaveLength(deaths), {
        timeout: TIMEOUT_MS,
      });
    }
    await using peer = await Peer.connect(port);
    expect(await peer.ask('still here')).toBe('still here');
    server.child.kill('SIGHUP');
    await server.shows(/ Serving new code on 2 threads$/m);
    expect(server.stderr.match(/The working directory was removed\. .* this process goes on in \//g)).toHaveLength(1);
    expect(server.stderr).not.toMatch(/uv_cwd|\(start\)/);
    await peer.leave();
  });

  it.skipIf(!hasNamespaces)('serves without /proc', async () => {
    const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /proc && exec "$0" "$@"'];
    const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--threads', '2', '--framing', 'line'];
    await using without = new Running('unshare', [...words, process.execPath, HEDDLE, ...args]);
    await using peer = await Peer.connect(await portOf(without));
    expect(await peer.ask('abc')).toBe('cba');
    await peer.leave();
    without.child.kill('SIGTERM');
    expect(await without.finished()).toMatchObject({ status: 0, stderr: '' });
  });

  it.skipIf(!hasNamespaces)('says that --watch has no watches left, and goes on', async () => {
    const service = write('service.mjs', SERVICE);
    const words = ['-c', 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"', process.execPath, HEDDLE];
    const args = ['serve', service, '--watch', '--host', '127.0.0.1', '--port', '0', '--threads', '1'];
    await using server = new Running('unshare', ['--user', '--map-root-user', 'sh', ...words, ...args]);
    await using peer = await Peer.connect(await portOf(server));
    expect(await peer.ask('abc')).toBe('abc');
    await vi.waitFor(
      () =>
        expect(server.stderr).toMatch(
          / Changes of the service are not noticed \(ENOSPC: .*\)\. SIGHUP loads it anew\n$/,
        ),
      { timeout: TIMEOUT_MS },
    );
    server.child.kill('SIGHUP');
    await server.shows(/ Serving new code on 1 thread$/m);
    await peer.leave();
  });

  it('starts beside a Kubernetes Service of its name', async () => {
    const environment = { HEDDLE_PORT: 'tcp://10.96.0.12:12345', HEDDLE_WEB_PORT_9090_TCP_ADDR: '10.96.0.12' };
    const words = [HEDDLE, 'serve', '--host', '127.0.0.1', '--port', '0', '--threads', '1'];
    await using server = new Running(process.execPath, words, environment);
    await portOf(server);
  });
});

it('a server of a program closes though NODE_OPTIONS have loaded something with a timer', async () => {
  const hook = write(
    'hook.cjs',
    'setInterval(() => {}, 1000).unref(); if (!require("node:worker_threads").isMainThread) setInterval(() => {}, 1000);',
  );
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const code = `import { serve } from ${JSON.stringify(library)};
    const server = await serve({ port: 0, threads: 1 });
    await server.close();
    console.log('closed');`;
  const { stdout, status } = await run(process.execPath, [write('program.mjs', code)], '', {
    NODE_OPTIONS: `--require ${hook}`,
  });
  expect({ stdout, status }).toEqual({ stdout: 'closed\n', status: 0 });
});
