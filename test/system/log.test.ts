import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

const STAMP = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const LIBRARY = new URL('../../dist/index.js', import.meta.url).href;

const SERVICE = `export default {
  framing: 'line',
  message(line) {
    if (String(line) === 'throw') throw new Error('thrown');
    if (String(line) === 'exit') process.exit(3);
    console.log(\`printed \${line}\`);
    console.error(\`complained \${line}\`);
    return line;
  },
};
`;

function write(name: string, text: string): string {
  const path = join(testFolder(), name);
  writeFileSync(path, text);
  return path;
}

async function start(...args: string[]): Promise<Running> {
  const words = [
    HEDDLE,
    'serve',
    write('service.mjs', SERVICE),
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--threads',
    '1',
  ];
  return new Running(process.execPath, [...words, ...args]);
}

async function ask(port: number, ...lines: string[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  for (const line of lines) {
    socket.write(`${line}\n`);
    await once(socket, 'data');
  }
  return socket;
}

describe('the log of heddle serve', () => {
  it('has plain words with the time, and what the service prints, for a service of one’s own', async () => {
    await using server = await start();
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    const socket = await ask(Number(port), 'one');
    const who = `127\\.0\\.0\\.1 : ${socket.localPort}`;
    await server.shows(new RegExp(`^${STAMP} Client connected: ${who}$`, 'm'));
    await server.shows(/^printed one$/m);
    socket.end();
    await server.shows(new RegExp(`^${STAMP} Client disconnected: ${who}$`, 'm'));
    const broken = await ask(Number(port));
    broken.write('throw\n');
    await once(broken, 'close');
    server.child.kill('SIGTERM');
    const { stdout, stderr, status } = await server.finished();
    expect(stdout).toMatch(new RegExp(`^${STAMP} Shutting down: `, 'm'));
    expect(stderr).toMatch(/^complained one$/m);
    expect(stderr).toMatch(new RegExp(`^${STAMP} The service failed with client .*: thrown\n    at `, 'm'));
    expect(status).toBe(0);
  });

  it('has no time before its lines where systemd notes it', async () => {
    const words = 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"';
    const args = [process.execPath, HEDDLE, 'serve', write('service.mjs', SERVICE), '--port', '0', '--threads', '1'];
    await using server = new Running('sh', ['-c', words, ...args]);
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    const broken = await ask(Number(port));
    broken.write('throw\n');
    await once(broken, 'close');
    server.child.kill('SIGTERM');
    expect((await server.finished()).stderr).toMatch(/^The service failed with client/m);
  });

  it.each([
    ['--quiet', ''],
    ['--log-level', 'error'],
  ])('says with %s %s what is wrong, and nothing else', async (...flags) => {
    const unix = join(testFolder(), 'a.sock');
    const words = [HEDDLE, 'serve', write('service.mjs', SERVICE), '--unix', unix, '--threads', '1', ...flags];
    await using server = new Running(
      process.execPath,
      words.filter((word) => word !== ''),
    );
    const dial = async (): Promise<boolean> => {
      const socket = connect(unix).on('error', () => {});
      const isUp = once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.write('throw\n');
      await new Promise((resolve) => socket.on('close', resolve));
      return isUp;
    };
    while (!(await dial()));
    server.child.kill('SIGTERM');
    const { stdout, stderr } = await server.finished();
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^${STAMP} The service failed with client .*\n(    at .*\n)+$`));
  });

  it('is told once how much it is to say', async () => {
    expect(await run(process.execPath, [HEDDLE, 'serve', '--quiet', '--log-level', 'debug'])).toEqual({
      status: 2,
      stdout: '',
      stderr: '--quiet does not go with --log-level: leave out one of them\n',
    });
  });
});

it('the library without onEvent prints on stderr what fails and which threads die, and nothing of clients', async () => {
  const service = write('service.mjs', SERVICE);
  const program = write(
    'program.mjs',
    `import { serve } from ${JSON.stringify(LIBRARY)};
    const server = await serve({ service: ${JSON.stringify(service)}, port: 0, host: '127.0.0.1', threads: 1 });
    console.log('port ' + server.address.port);
    process.stdin.on('end', () => server.close()).resume();`,
  );
  await using running = new Running(process.execPath, [program]);
  const port = Number((await running.shows(/^port (\d+)$/m))[1]);
  const socket = await ask(port, 'one');
  socket.end();
  const broken = await ask(port);
  broken.write('throw\n');
  await once(broken, 'close');
  const killer = await ask(port);
  killer.write('exit\n');
  await once(killer, 'close');
  (await ask(port, 'two')).destroy();
  running.child.stdin?.end();
  const { stdout, stderr, status } = await running.finished();
  expect(status).toBe(0);
  expect(stdout).not.toMatch(/onnected/);
  const lines = stderr.split('\n').filter((line) => !/^(    at |complained )/.test(line));
  expect(lines).toEqual([
    expect.stringMatching(
      new RegExp(`^${STAMP} The service failed with client .* \\(HEDDLE_SERVICE_ERROR\\): thrown$`),
    ),
    expect.stringMatching(new RegExp(`^${STAMP} Thread 1 ended \\(exit\\): `)),
    '',
  ]);
});
