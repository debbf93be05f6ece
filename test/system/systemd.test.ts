import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { quietPort } from '../support/quiet-port.ts';
import { HEDDLE, here, run, Running } from './processes.ts';

const ACTIVATE = 'systemd-socket-activate';
const SERVE = [process.execPath, HEDDLE, 'serve', '--threads', '2'];

interface Given {
  readonly notify?: string;
  readonly watchdog?: number;
  readonly command?: readonly string[];
}

/** A service manager that has opened its sockets; `tell` has it do something. */
function manage(
  folder: string,
  { notify = join(folder, 'notify'), watchdog = 60_000_000, command = SERVE }: Given = {},
) {
  const unix = join(folder, 'a.sock');
  const manager = new Running('python3', [here('service-manager.py'), unix, notify, `${watchdog}`, ...command]);
  const tell = (line: string) => void manager.child.stdin?.write(`${line}\n`);
  // At the end of its input it ends the server and then itself; killed, it would leave the server.
  const end = async () => {
    manager.child.stdin?.end();
    await manager.finished();
  };
  return {
    process: manager,
    unix,
    tell,
    shows: (pattern: RegExp) => manager.shows(pattern),
    [Symbol.asyncDispose]: end,
  };
}

describe('heddle serve as a service of systemd', () => {
  it('serves the sockets that it is handed, and says when it is ready, reloads and stops', async () => {
    await using manager = manage(testFolder());
    manager.tell('start');
    await manager.shows(/^notice READY=1$/m);
    // The server and its manager print to one pipe: their lines come in any order.
    await manager.shows(/^Server running on port \d+$/m);
    await manager.shows(/^Server running on unix:.*a\.sock$/m);
    const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${manager.unix}`], 'abc');
    expect(stdout).toBe('cba');
    manager.tell('connect\nreply');
    await manager.shows(/^reply olleh$/m);
    manager.tell('signal HUP');
    await manager.shows(/^notice RELOADING=1 MONOTONIC_USEC=\d+$[^]*^notice READY=1$/m);
    manager.tell('signal TERM');
    await manager.shows(/^notice STOPPING=1$/m);
    await manager.shows(/^ended 0$/m);
  });

  it('loses no client while it is started again: they wait in the socket', async () => {
    await using manager = manage(testFolder());
    manager.tell('start');
    await manager.shows(/^notice READY=1$/m);
    manager.tell('signal TERM');
    await manager.shows(/^ended 0$/m);
    manager.tell('connect\nstart\nreply');
    await manager.shows(/^reply olleh$/m);
    const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${manager.unix}`], 'abc');
    expect(stdout).toBe('cba');
  });

  it('gives signs of life, to a socket without a file too', async () => {
    await using manager = manage(testFolder(), { notify: `@heddle-${process.pid}`, watchdog: 200_000 });
    manager.tell('start');
    await manager.shows(/(^notice WATCHDOG=1$[^]*){5}/m);
  });

  it('takes no socket that is meant for another process', async () => {
    const port = await quietPort();
    await using manager = manage(testFolder(), { command: [...SERVE, '--host', '127.0.0.1', '--port', `${port}`] });
    manager.tell('start-for 1');
    await manager.shows(new RegExp(`^Server running on port ${port}$`, 'm'));
  });

  it('is told of the process that takes over, which gets the sockets of systemd from the one before it', async () => {
    const folder = testFolder();
    const [notify, next] = [join(folder, 'notify'), join(folder, 'next')];
    await using manager = manage(folder, { notify, command: [...SERVE, '--take-over', next] });
    manager.tell('start');
    const [, first] = await manager.shows(/^notice MAINPID=(\d+) READY=1$/m);
    const [command, ...words] = [...SERVE, '--take-over', next];
    await using heir = new Running(command, words, { NOTIFY_SOCKET: notify });
    await manager.shows(new RegExp(`^notice MAINPID=${heir.child.pid} READY=1$`, 'm'));
    expect(Number(first)).not.toBe(heir.child.pid);
    await manager.shows(/^ended 0$/m);
    expect(manager.process.stdout).not.toContain('STOPPING');
    const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${manager.unix}`], 'abc');
    expect(stdout).toBe('cba');
    manager.tell('connect\nreply');
    await manager.shows(/^reply olleh$/m);
    await heir.shows(/^Server running on port \d+\nServer running on unix:.*a\.sock$/m);
    await heir.shows(/(^Connected to: [^]*){2}/m);
  });

  it('leaves nothing of it in the environment of the service', async () => {
    const folder = testFolder();
    const service = join(folder, 'environment.mjs');
    const names = '/^(LISTEN_|NOTIFY_|WATCHDOG_)/';
    const body = `Object.keys(process.env).filter((name) => ${names}.test(name)).join() || 'nothing'`;
    writeFileSync(service, `export default { message: () => ${body} };`);
    await using manager = manage(folder, { command: [...SERVE, service] });
    manager.tell('start\nconnect\nreply');
    await manager.shows(/^reply nothing$/m);
  });

  it('refuses a port of its own beside those sockets', async () => {
    await using manager = manage(testFolder(), { command: [...SERVE, '--port', '0'] });
    manager.tell('start');
    await manager.shows(/^ended 2$/m);
    expect(manager.process.stderr).toContain(
      'systemd hands over listening sockets (LISTEN_FDS=2), but --port is given as well',
    );
  });

  it.skipIf(spawnSync(ACTIVATE, ['--version']).status !== 0)(
    'is started by systemd’s own tool with its first client',
    async () => {
      const unix = join(testFolder(), 'a.sock');
      await using activator = new Running(ACTIVATE, [`--listen=${unix}`, ...SERVE]);
      const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${unix},retry=100,interval=0.05`], 'abc');
      expect(stdout).toBe('cba');
      await activator.shows(/^Server running on unix:.*a\.sock$/m);
    },
  );
});
