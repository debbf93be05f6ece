import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { endProcess } from '../../src/cli/end-process.ts';
import { runServe } from '../../src/cli/serve.ts';
import { HeddleError } from '../../src/errors.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { ServerAddress } from '../../src/listen/listening-socket.ts';
import type { Server } from '../../src/server/server.ts';
import { playClock } from '../support/played-clock.ts';

vi.mock('../../src/cli/end-process.ts', () => ({ endProcess: vi.fn<(status: number) => void>() }));

const CLIENT = { time: 5, client: 1, address: '127.0.0.1', port: 11600, thread: 1 };

/** Stands for a server: does what it is told, and notes it. */
class FakeServer {
  readonly calls: string[] = [];
  options: ServeOptions = {};
  control: string | undefined;
  end: (error?: Error) => void = () => {};
  readonly closed = new Promise<void>((resolve, reject) => {
    this.end = (error) => (error === undefined ? resolve() : reject(error));
  });
  addresses: ServerAddress[] = [{ family: 'IPv4', host: '0.0.0.0', port: 12345 }];
  threads = { min: 2, max: 12 };

  get address(): ServerAddress | undefined {
    return this.addresses[0];
  }

  async reload(): Promise<void> {
    this.calls.push('reload');
  }

  async drain(): Promise<void> {
    this.calls.push('drain');
  }

  async ping(): Promise<void> {}

  async openControl(path: string): Promise<void> {
    this.control = path;
  }

  async close(): Promise<void> {
    this.calls.push('close');
    this.end();
  }
}

interface Given {
  readonly service?: string;
  readonly addresses?: ServerAddress[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly flags?: object;
  readonly hasTerminal?: boolean;
}

function start({ service, flags = {}, addresses, environment = {}, hasTerminal = false }: Given = {}) {
  const server = new FakeServer();
  if (addresses !== undefined) server.addresses = addresses;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const invocation = { service, flags, environment, directory: '/home/someone', hasTerminal };
  let started = (): void => {};
  const serving = new Promise<void>((resolve) => (started = resolve));
  const status = runServe(invocation, { stdout, stderr }, async (options = {}) => {
    server.options = options;
    setImmediate(started);
    return server as unknown as Server;
  });
  const printed = { stdout: '', stderr: '' };
  stdout.on('data', (data) => (printed.stdout += String(data)));
  stderr.on('data', (data) => (printed.stderr += String(data)));
  const output = () => printed;
  return { server, status, output, serving };
}

describe('heddle serve', () => {
  it('says what is served, on how many threads, where, and that it is open to others', async () => {
    const { server, status, output, serving } = start();
    await serving;
    server.options.onEvent?.({ type: 'open', ...CLIENT });
    server.options.onEvent?.({ type: 'close', ...CLIENT, reason: 'client-finished' });
    server.end();
    expect(await status).toBe(0);
    expect(output()).toEqual({
      stdout: [
        'Serving the built-in reverse service on 2 to 12 threads',
        'Server running on port 12345',
        'Other machines can connect to it. To keep it to this one: heddle serve --host 127.0.0.1',
        'Connected to: 127.0.0.1 : 11600',
        'Bye: 127.0.0.1 : 11600',
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  it('says nothing of other machines when they cannot connect', async () => {
    const addresses: ServerAddress[] = [
      { family: 'IPv4', host: '127.0.0.1', port: 12345 },
      { family: 'unix', path: '/run/a\nb.sock', host: 'unix', port: 0 },
    ];
    const { server, status, output, serving } = start({ service: 'chat.ts', addresses });
    await serving;
    server.end();
    await status;
    const where = 'Server running on port 12345\nServer running on unix:/run/a\\nb.sock\n';
    const notShared =
      'Variables of the module are not shared between threads: see client.state and the option shared\n';
    expect(output().stdout).toBe(`Serving chat.ts on 2 to 12 threads\n${notShared}${where}`);
  });

  it('says nothing of variables when there is one thread', async () => {
    const { server, status, output, serving } = start({ service: 'chat.ts' });
    server.threads = { min: 1, max: 1 };
    await serving;
    server.end();
    await status;
    expect(output().stdout).toMatch(/^Serving chat\.ts on 1 thread\nServer running on port 12345\n/);
  });

  it('has a line for each address, and says how to keep a list of them to this machine', async () => {
    const addresses: ServerAddress[] = [
      { family: 'IPv4', host: '127.0.0.1', port: 80 },
      { family: 'IPv6', host: '::', port: 81 },
      { family: 'unix', path: '/run/a.sock', host: 'unix', port: 0 },
    ];
    const { server, status, output, serving } = start({ addresses, flags: { listen: '127.0.0.1:80,[::]:81' } });
    await serving;
    server.end();
    await status;
    expect(output().stdout.split('\n').slice(1)).toEqual([
      'Server running on port 80 (127.0.0.1)',
      'Server running on port 81 (::)',
      'Server running on unix:/run/a.sock',
      'Other machines can connect to it. To keep it to this one: heddle serve --listen 127.0.0.1:81',
      '',
    ]);
    expect(server.options.listen).toEqual([
      { host: '127.0.0.1', port: 80 },
      { host: '::', port: 81 },
    ]);
  });

  it('prints the same as JSON', async () => {
    const { server, status, output, serving } = start({ flags: { logFormat: 'json', bytes: true } });
    await serving;
    server.options.onEvent?.({ type: 'open', ...CLIENT });
    server.end();
    await status;
    const [listening, open, rest] = output().stdout.split('\n');
    expect(JSON.parse(listening ?? '')).toEqual({
      type: 'listening',
      time: expect.any(Number),
      host: '0.0.0.0',
      port: 12345,
      addresses: [{ family: 'IPv4', host: '0.0.0.0', port: 12345 }],
      service: 'the built-in reverse service, byte by byte',
      threads: { min: 2, max: 12 },
    });
    expect(JSON.parse(open ?? '')).toEqual({ type: 'open', ...CLIENT });
    expect(rest).toBe('');
  });

  it('hands the options on, and serves bytes when asked to', async () => {
    const { server, status, serving } = start({ flags: { bytes: true, port: '0', threads: '2..3' } });
    await serving;
    server.end();
    await status;
    expect(server.options).toMatchObject({ port: 0, threads: { min: 2, max: 3 } });
    expect(String(server.options.service)).toMatch(/\/reverse-bytes\.cjs$/);
    expect(server.options).not.toHaveProperty('bytes');
    expect(server.options).not.toHaveProperty('logFormat');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains on the first %s and ends with 0', async (signal) => {
    const { server, status, output, serving } = start();
    await serving;
    process.emit(signal, signal);
    expect(server.calls).toEqual(['drain']);
    server.end();
    expect(await status).toBe(0);
    expect(output().stdout).toContain(
      'Shutting down: finishing replies for up to 15s. Press Ctrl-C again to stop at once\n',
    );
    expect(process.listenerCount(signal)).toBe(0);
  });

  it('says how long it still accepts clients when it leaves', async () => {
    const { server, status, output, serving } = start({ flags: { drainDelay: '5s', shutdownTimeout: '1m' } });
    await serving;
    process.emit('SIGTERM', 'SIGTERM');
    server.end();
    await status;
    expect(server.options.drainDelay).toBe(5000);
    expect(output().stdout).toContain(
      'Shutting down: accepting clients for 5s more, then finishing replies for up to 1m. Press Ctrl-C again to stop at once\n',
    );
  });

  it('ends at once on a second signal, with the status of a process that it ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, status, serving } = start();
    await serving;
    process.emit('SIGINT', 'SIGINT');
    process.emit('SIGTERM', 'SIGTERM');
    expect(server.calls).toEqual(['drain', 'close']);
    expect(await status).toBe(143);
    expect(endProcess).not.toHaveBeenCalled();
    // Whatever still runs then does not keep the process.
    vi.advanceTimersByTime(1000);
    expect(endProcess).toHaveBeenCalledWith(143);
  });

  it('reloads on SIGHUP where it has no terminal', async () => {
    const { server, status, serving } = start();
    await serving;
    process.emit('SIGHUP', 'SIGHUP');
    expect(server.calls).toEqual(['reload']);
    server.end();
    await status;
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });

  it('leaves when its terminal is closed, however often it is told, and a second signal ends it at once', async () => {
    // The time after which the process would be ended does not pass.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const clock = playClock();
    const { server, status, output, serving } = start({ hasTerminal: true });
    await serving;
    process.emit('SIGHUP', 'SIGHUP');
    clock.now += 1000;
    process.emit('SIGHUP', 'SIGHUP');
    expect(server.calls).toEqual(['drain']);
    process.emit('SIGTERM', 'SIGTERM');
    expect(server.calls).toEqual(['drain', 'close']);
    expect(await status).toBe(143);
    expect(output().stdout).toContain('Shutting down: ');
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });

  it('takes a Ctrl-C that npm passes on for the same one', async () => {
    const clock = playClock();
    const { server, status, serving } = start();
    await serving;
    process.emit('SIGINT', 'SIGINT');
    clock.now += 49;
    process.emit('SIGINT', 'SIGINT');
    expect(server.calls).toEqual(['drain']);
    server.end();
    expect(await status).toBe(0);
  });

  it('takes the sockets that systemd hands over', async () => {
    const environment = { LISTEN_FDS: '2', LISTEN_PID: `${process.pid}` };
    const { server, status, serving } = start({ environment });
    await serving;
    server.end();
    await status;
    expect(server.options.listenFds).toEqual([3, 4]);
  });

  it.each(['port', 'host', 'unix', 'listen'])('refuses sockets of systemd beside a %s of the user', async (name) => {
    const environment = { LISTEN_FDS: '1', LISTEN_PID: `${process.pid}` };
    const { server, status } = start({ environment, flags: { [name]: name === 'listen' ? ':1' : '1' } });
    await expect(status).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: `systemd hands over listening sockets (LISTEN_FDS=1), but --${name} is given as well; leave out --${name}, or the socket unit`,
    });
    expect(server.options).toEqual({});
  });

  it('fails with the error that made the server give up', async () => {
    const { server, status, serving } = start();
    await serving;
    const error = new HeddleError('HEDDLE_THREAD_EXIT', 'no thread stays alive');
    server.end(error);
    await expect(status).rejects.toBe(error);
  });

  it('starts nothing with a wrong option', async () => {
    const { server, status } = start({ flags: { threads: '-1' } });
    await expect(status).rejects.toThrow('--threads must be a positive integer, got -1');
    expect(server.options).toEqual({});
  });
});
