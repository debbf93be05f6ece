import { connect } from 'node:net';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, here, run, Running, startHeddle } from './processes.ts';

const SERVE = [process.execPath, HEDDLE, 'serve', '--host', '127.0.0.1', '--port', '0', '--threads', '1'];

it('leaves with status 0 when its terminal is closed', async () => {
  const server = new Running('python3', [here('terminal.py'), ...SERVE]);
  server.child.stdin?.write('{"wait": "Server running on port "}\n{"wait": "\\n"}\n');
  const [, port] = await server.shows(/Server running on port (\d+)/);
  server.child.stdin?.end('{"close": true}\n');
  expect(await server.finished()).toMatchObject({ status: 0, stderr: '' });
  const socket = connect(Number(port), '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});

it('opens no debugger on SIGUSR1', async () => {
  await using server = await startHeddle('--host', '127.0.0.1');
  server.child.kill('SIGUSR1');
  server.child.kill('SIGHUP');
  await server.shows(/^Serving new code/m);
  expect(server.stderr).not.toMatch(/Debugger/);
  const socket = connect(server.port, '127.0.0.1');
  socket.write('abc');
  expect(String((await once(socket, 'data'))[0])).toBe('cba');
  socket.destroy();
});

it('closes a debugger that SIGUSR1 has opened while Node started', async () => {
  // The signal is blocked and pending: Node lets it through as soon as it hears it, before there is any code of Heddle's.
  const early = `import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
os.execv(sys.argv[1], sys.argv[1:])`;
  const [node, ...words] = SERVE as [string, ...string[]];
  await using server = new Running('python3', ['-c', early, node, '--inspect-port=0', ...words]);
  await server.shows(/^Server running on port/m);
  const opened = await vi.waitUntil(() => /^Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)\//m.exec(server.stderr));
  const dial = async (): Promise<string> => {
    const socket = connect(Number(opened[1]), '127.0.0.1');
    const error = await once(socket, 'connect').catch((failed: NodeJS.ErrnoException) => failed);
    socket.destroy();
    return error instanceof Error ? (error.code ?? '') : 'connected';
  };
  await vi.waitFor(async () => expect(await dial()).toBe('ECONNREFUSED'), { timeout: 20_000 });
});

it('says which config file it has found, and takes none that others may have put there', async () => {
  const folder = testFolder();
  writeFileSync(join(folder, 'heddle.config.json'), '{ "port": 0, "host": "127.0.0.1", "threads": 1 }');
  const words = ['-c', `cd ${folder}; exec "$0" "$@"`, process.execPath, HEDDLE, 'serve'];
  await using server = new Running('sh', words);
  await server.shows(/^Options are read from heddle\.config\.json\nServer running on port \d+$/m);
  chmodSync(folder, 0o777);
  const refused = await run('sh', words);
  expect(refused.stderr).toMatch(/^heddle\.config\.json is not taken from .*: all users can write/);
  expect(refused).toMatchObject({ status: 2, stdout: '' });
});
