/** Runs the code blocks of one page in their order, in a folder of its own, as a reader with a shell would. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Block, blocksOf, type Command, commandsOf, isCode, isShell, nameOf } from './blocks.ts';

/** How long a command may take, and how long a server may take until it is ready or has ended. */
const COMMAND_TIMEOUT_MS = 90_000;

/** Ports that the pages name: each stands for a free one. */
const PORTS = /\b(?:12345|4000|7000|8080)\b/g;

/** What a server prints when clients can connect, as text and as JSON. */
const READY = /^Server running on |^\{"type":"listening"/m;

interface Background {
  readonly child: ChildProcess;
  readonly line: string;
  readonly closed: Promise<unknown>;
  output: string;
}

/** The folder of the commands `heddle`, `npx` and so on, and the page's own folder. */
export interface Surroundings {
  readonly bin: string;
  readonly folder: string;
}

export class PageRun implements AsyncDisposable {
  readonly blocks: readonly Block[];
  readonly #at: Surroundings;
  readonly #ports = new Map<string, number>();
  readonly #commands: string;
  #running: Background[] = [];
  #section = -1;

  constructor(page: string, at: Surroundings) {
    this.blocks = blocksOf(page);
    this.#at = at;
    this.#commands = this.blocks
      .filter(isShell)
      .map(({ text }) => text)
      .join('');
    mkdirSync(join(at.folder, 'run'), { recursive: true });
    symlinkSync(join(at.folder, '../node_modules'), join(at.folder, 'node_modules'));
  }

  /** Writes the files that the page shows; types are checked before anything runs. */
  async writeFiles(): Promise<void> {
    const shown = this.blocks.filter((each) => isCode(each) && each.mark?.word !== 'skip');
    for (const block of shown) {
      const path = join(this.#at.folder, nameOf(block));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, await this.#here(block.text));
    }
  }

  /** Runs a block; rejects with what went wrong, in words for the writer of the page. */
  async run(block: Block): Promise<void> {
    if (block.section !== this.#section) await this.#stopAll();
    this.#section = block.section;
    if (block.mark?.word === 'skip' || block.mark?.word === 'check') return;
    if (isShell(block)) await this.#runCommands(block);
    else if (isCode(block)) await this.#runCode(block);
  }

  /** Ends what still runs, without a look at how it ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const background of this.#running) kill(background, 'SIGKILL');
    await Promise.all(this.#running.map(({ closed }) => closed));
  }

  /** Ends what stays, as at the next heading. */
  async finish(): Promise<void> {
    await this.#stopAll();
  }

  /** Runs a program, and serves a service. A file that something else on the page uses is run by that. */
  async #runCode(block: Block): Promise<void> {
    const name = nameOf(block);
    const isUsed = this.#commands.includes(name) || this.blocks.some(({ text }) => text.includes(`'./${name}'`));
    if (isUsed) return;
    if (/\bserve\(/.test(block.text)) await this.#stopAll();
    if (/^export default defineService/m.test(block.text)) {
      await this.#stop(await this.#start(`heddle serve ${name} --port 0 --threads 1`, READY));
    } else if (block.mark?.word === 'stays') {
      await this.#start(`jiti ${name}`, block.mark.text);
    } else {
      await this.#finish({ line: `jiti ${name}`, output: undefined });
    }
  }

  async #runCommands(block: Block): Promise<void> {
    const commands = commandsOf(block);
    for (const [index, command] of commands.entries()) {
      const isServer = /\b(?:heddle|main\.js) serve\b(?!.*--help)/.test(command.line);
      const stays = block.mark?.word === 'stays' && index === commands.length - 1;
      if (isServer) await this.#startServer(command, command.line.includes('--quiet') ? 'port 12345' : READY);
      else if (stays) await this.#startServer(command, block.mark?.text ?? '');
      else await this.#finish(command);
    }
  }

  /** Starts what stays. A server takes the place of the one before it; with `--take-over` it does so by itself. */
  async #startServer(command: Command, ready: string | RegExp): Promise<void> {
    if (!command.line.includes('--take-over')) await this.#stopAll();
    const server = await this.#start(command.line, ready);
    for (const line of command.output ?? []) await shows(server, await this.#here(line));
  }

  async #finish({ line, output }: Command): Promise<void> {
    const background = await this.#spawn(line);
    await ended(background, 'did not end. Mark its block if it stays: <!-- stays: what it prints when it is ready -->');
    this.#running = this.#running.filter((other) => other !== background);
    const { exitCode } = background.child;
    if (exitCode !== 0) throw failure(background, `ended with status ${exitCode}`);
    if (output !== undefined) compare(background, await this.#here(output.join('\n')));
  }

  async #start(line: string, ready: string | RegExp): Promise<Background> {
    const background = await this.#spawn(`exec ${line}`);
    const text = typeof ready === 'string' ? await this.#here(ready) : ready;
    const [, port] = /^port (\d+)$/.exec(String(text)) ?? [];
    await (port === undefined ? shows(background, text) : listens(background, Number(port)));
    return background;
  }

  async #spawn(line: string): Promise<Background> {
    const { bin, folder } = this.#at;
    const port = String(await this.#port('12345'));
    const own = {
      PATH: `${bin}:${process.env['PATH']}`,
      NO_COLOR: '1',
      ...(!line.includes('keep-sockets') && { HEDDLE_PORT: port }),
    };
    const child = spawn('sh', ['-c', await this.#here(line)], {
      cwd: folder,
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // A process group: what the shell has started is ended with it.
    });
    const background: Background = { child, line, closed: once(child, 'close'), output: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        background.output += String(data);
        child.emit('printed');
      });
    }
    this.#running.push(background);
    return background;
  }

  async #stopAll(): Promise<void> {
    for (const background of this.#running.toReversed()) await this.#stop(background);
  }

  /** Ends a program that stays. A server of Heddle must end with status 0. */
  async #stop(background: Background): Promise<void> {
    this.#running = this.#running.filter((other) => other !== background);
    const { child, line } = background;
    kill(background, 'SIGTERM');
    await ended(background, 'did not end on SIGTERM');
    // A quiet server does not say when it is ready: the signal may end it while it starts.
    const mustLeaveWell = line.includes('heddle serve') && !line.includes('--quiet');
    if (mustLeaveWell && child.exitCode !== 0) throw failure(background, `ended with status ${child.exitCode}`);
  }

  /** `text` with free ports in the place of the page's, and a folder that exists in the place of /run/heddle. */
  async #here(text: string): Promise<string> {
    for (const [port] of text.matchAll(PORTS)) await this.#port(port);
    return text
      .replaceAll(PORTS, (port) => String(this.#ports.get(port)))
      .replaceAll('/run/heddle', join(this.#at.folder, 'run'));
  }

  async #port(name: string): Promise<number> {
    const port = this.#ports.get(name) ?? (await freePort());
    this.#ports.set(name, port);
    return port;
  }
}

function failure({ line, output }: Background, what: string): Error {
  return new Error(`${line}: ${what}\n${output}`);
}

function kill({ child }: Background, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, signal);
}

/** Resolves when `background` has ended; ends it and rejects if that takes too long. */
async function ended(background: Background, otherwise: string): Promise<void> {
  const first = await Promise.race([background.closed, sleep(COMMAND_TIMEOUT_MS, 'late', { ref: false })]);
  if (first !== 'late') return;
  kill(background, 'SIGKILL');
  throw failure(background, otherwise);
}

/** Resolves when `background` has printed `text`; dots (`…`) in it stand for anything. */
async function shows(background: Background, text: string | RegExp): Promise<void> {
  const pattern = typeof text === 'string' ? new RegExp(patternOf(text), 'm') : text;
  const late = sleep(COMMAND_TIMEOUT_MS, true, { ref: false });
  const closed = background.closed.then(() => true);
  while (!pattern.test(background.output)) {
    const printed = once(background.child, 'printed').then(() => false);
    const isOver = await Promise.race([printed, closed, late]);
    if (isOver && !pattern.test(background.output)) throw failure(background, `did not print "${text}"`);
  }
}

/** Resolves when somebody accepts connections on `port`. */
async function listens(background: Background, port: number): Promise<void> {
  const closed = background.closed.then(() => true);
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    if (await Promise.race([closed, sleep(20, false)]))
      throw failure(background, `ended before it listened on ${port}`);
  }
}

function compare(background: Background, expected: string): void {
  const printed = background.output.trim();
  if (!new RegExp(`^${patternOf(expected.trim())}$`).test(printed)) {
    throw failure(background, `the page says that it prints\n${expected.trim()}\nand it printed`);
  }
}

function patternOf(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('…', '.*');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
