import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { View } from '../../src/admin/view/view.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, here, run, Running } from './processes.ts';

/** A service in which the message `burn` blocks its thread for good. */
const SERVICE = `
import { defineService } from '${pathToFileURL(here('../../dist/index.js')).href}';
function slowReport() { for (let n = 0; ; n = Math.sqrt(n + 1)); }
export default defineService({
  framing: 'line',
  message: (line) => (String(line) === 'burn' ? slowReport() : line),
});
`;

/** The loop, or its caller: what a thread that was busy elsewhere is seen in first. */
const LINE = /^(slowReport|message) .*report\.mjs:\d/;

async function blockedServer() {
  const runtime = testFolder();
  const service = join(runtime, 'report.mjs');
  writeFileSync(service, SERVICE);
  const args = ['serve', service, '--port', '0', '--host', '127.0.0.1', '--threads', '2', '--handler-timeout', 'never'];
  const server = new Running(process.execPath, [HEDDLE, ...args], { XDG_RUNTIME_DIR: runtime });
  const [, port] = await server.shows(/^Server running on port (\d+)$/m);
  const socket = connect(Number(port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write('hello\n');
  await once(socket, 'data');
  socket.write('burn\n');
  return Object.assign(server, { runtime });
}

function top(runtime: string, ...args: string[]) {
  return run(process.execPath, [HEDDLE, 'top', ...args], '', { XDG_RUNTIME_DIR: runtime });
}

/** Samples until the thread is blocked and the code is known: that takes a moment after it was blocked. */
async function viewWithCode(runtime: string): Promise<View> {
  for (;;) {
    const { status, stdout, stderr } = await top(runtime, '--once', '--json', '--interval', '100ms');
    expect([status, stderr]).toEqual([0, '']);
    const view = JSON.parse(stdout) as View;
    if (view.threads.some(({ block }) => block?.code !== undefined)) return view;
  }
}

describe('heddle top', () => {
  it('names the thread that is blocked, the client that blocks it and the line, as JSON and as text', async () => {
    await using server = await blockedServer();
    const view = await viewWithCode(server.runtime);
    expect(view).toMatchObject({ schema: 1, server: { pid: server.child.pid }, clients: 1, rates: { accepted: 0 } });
    const blocked = view.threads.find(({ state }) => state === 'blocked');
    expect(blocked?.block).toMatchObject({
      client: { id: 1 },
      code: expect.stringMatching(LINE),
    });
    expect(view.waiting).toMatchObject([{ id: 1, why: 'own' }]);
    const { stdout } = await top(server.runtime, '--once', '--interval', '100ms');
    expect(stdout).toMatch(/blocked \d\S* m?s +1 .*#1 in \w+ .*report\.mjs:\d/);
    expect(stdout).toContain('its own message');
    expect(stdout).not.toContain('\x1b');
    expect(await top(server.runtime, '--interval', '1ms')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--interval is a duration'),
    });
  });

  it('prints a line each time where its output is no terminal, and ends with the server', async () => {
    await using server = await blockedServer();
    const args = [HEDDLE, 'top', '--interval', '100ms'];
    await using watcher = new Running(process.execPath, args, { XDG_RUNTIME_DIR: server.runtime });
    await watcher.shows(/^[\d:]+ {2}1 clients? on 2 threads .*\n.*1 clients? on 2 threads/m);
    server.child.kill('SIGKILL');
    const { status, stderr } = await watcher.finished();
    expect(status).toBe(1);
    expect(stderr).toContain('Cannot reach the server');
  });

  it('leaves a terminal as it was', async () => {
    await using server = await blockedServer();
    const steps = [{ wait: '\x1b[?1049h' }, { wait: 'THREAD' }, { wait: 'blocked' }, { type: 'q' }];
    const script = steps.map((step) => `${JSON.stringify(step)}\n`).join('');
    const command = [
      here('terminal.py'),
      'sh',
      '-c',
      `stty -g; ${process.execPath} ${HEDDLE} top; echo "status $?"; stty -g`,
    ];
    const { stdout } = await run('python3', command, script, { XDG_RUNTIME_DIR: server.runtime, TERM: 'xterm' });
    expect(stdout).toMatch(/\x1b\[\?25h\x1b\[\?1049lstatus 0\r\n/); // oxlint-disable-line no-control-regex
    const [before, after] = [stdout.split('\r\n')[0], stdout.trimEnd().split('\r\n').at(-1)];
    expect(before).toMatch(/^[\da-f:]+$/);
    expect(after).toBe(before);
  });

  it('leaves a terminal as it was when an error is thrown', async () => {
    await using server = await blockedServer();
    const script = [{ wait: 'THREAD' }, { type: '!' }].map((step) => `${JSON.stringify(step)}\n`).join('');
    // The key throws, wherever the command is then.
    const throwing = join(server.runtime, 'throwing.mjs');
    writeFileSync(
      throwing,
      "process.stdin.on('data', (key) => { if (String(key) === '!') throw new Error('thrown'); });",
    );
    const command = `stty -g; ${process.execPath} --import ${throwing} ${HEDDLE} top; echo "status $?"; stty -g`;
    const environment = { XDG_RUNTIME_DIR: server.runtime, TERM: 'xterm' };
    const { stdout } = await run('python3', [here('terminal.py'), 'sh', '-c', command], script, environment);
    // oxlint-disable-next-line no-control-regex
    expect(stdout).toMatch(/\x1b\[\?25h\x1b\[\?1049l[^]*Error: thrown[^]*status 1\r\n/); // It can be read.
    expect(stdout.trimEnd().split('\r\n').at(-1)).toBe(stdout.split('\r\n')[0]);
  });

  it.each([
    [80, 24],
    [40, 10],
  ])('fits a terminal of %d × %d, and shows clients by keys', async (columns, rows) => {
    await using server = await blockedServer();
    const tmux = await new Tmux(server.runtime).start(
      columns,
      rows,
      `${process.execPath} ${HEDDLE} top; echo "status $?"`,
    );
    await tmux.shows(/THREAD +STATE/);
    await tmux.type('c');
    await tmux.shows(/CLIENT +ADDRESS/);
    await tmux.type('Down');
    expect(await tmux.shows(/▸ +#1 +127/)).toMatch(/quit/);
    await tmux.type('K');
    await tmux.shows(/Kick client #1 /);
    await tmux.type('n');
    await tmux.type('Escape', 't');
    expect((await tmux.shows(/THREAD +STATE/)).split('\n').length).toBeLessThanOrEqual(rows + 1);
    await tmux.type('q');
    await tmux.shows(/status 0/);
  });

  it('gives the terminal back when the server is killed', async () => {
    await using server = await blockedServer();
    const tmux = await new Tmux(server.runtime).start(
      80,
      24,
      `${process.execPath} ${HEDDLE} top; echo "status $?"; stty -a`,
    );
    await tmux.shows(/THREAD +STATE/);
    server.child.kill('SIGKILL');
    const screen = await tmux.shows(/status 1[^]* echo /);
    expect(screen).toContain('Cannot reach the server');
    expect(screen).toMatch(/ icanon /);
    expect(await tmux.ask('#{alternate_on} #{cursor_flag}')).toBe('0 1');
  });
});

/** A terminal of its own. */
class Tmux {
  readonly #socket: string;
  readonly #runtime: string;

  constructor(runtime: string) {
    this.#runtime = runtime;
    this.#socket = join(runtime, 'tmux');
  }

  async start(columns: number, rows: number, command: string): Promise<this> {
    const size = ['-x', `${columns}`, '-y', `${rows}`];
    await this.#run('-f', '/dev/null', 'new-session', '-d', ...size, `sh -c '${command}; exec sleep 1000'`);
    onTestFinished(async () => void (await this.#run('kill-server')));
    return this;
  }

  async type(...keys: string[]): Promise<void> {
    await this.#run('send-keys', ...keys);
  }

  async ask(format: string): Promise<string> {
    return (await this.#run('display-message', '-p', format)).trim();
  }

  /** The screen, once it has what is wanted. */
  async shows(wanted: RegExp): Promise<string> {
    let screen = '';
    await vi.waitFor(
      async () => {
        screen = await this.#run('capture-pane', '-p');
        if (!wanted.test(screen)) throw new Error(`${wanted} is not on the screen:\n${screen}`);
      },
      { timeout: 60_000, interval: 50 },
    );
    return screen;
  }

  async #run(...args: string[]): Promise<string> {
    const environment = { XDG_RUNTIME_DIR: this.#runtime, LC_ALL: 'C.UTF-8', TMUX: '' };
    const { status, stderr, stdout } = await run('tmux', ['-u', '-S', this.#socket, ...args], '', environment);
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}
