import type { Socket } from 'node:net';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { echoBytes, reverseChunks, stubServer } from '../client/stub-server.ts';
import type { runBench as RunBench } from '../../src/cli/bench/bench.ts';
import { benchInvocation, keepingTerminal } from '../support/bench-invocation.ts';
import { testFolder } from '../support/folder.ts';
import { Certificates } from './certificates.ts';
import { HEDDLE, run, Running, startHeddle } from './processes.ts';

const NEVER_LATE = ['--late', '1h', '--warm', '0s', '--framing', 'line'];

interface Report {
  readonly status: number;
  readonly verdict: string;
  readonly clients: {
    readonly clients: number;
    readonly asked: number;
    readonly rate: number;
    readonly wrong: number;
    readonly lost: number;
    readonly connects: number;
    readonly fromDue: Waits;
    readonly closedLoop: Waits;
    readonly steps: readonly Waits[];
  };
  readonly beside: readonly { readonly clients: number; readonly wrong: number; readonly fromDue: Waits }[];
  readonly idle: number;
  readonly idleLost: number;
  readonly expected: unknown;
  readonly wrongReply: { readonly sent: string; readonly got: string } | null;
}

interface Waits {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly worst: number;
}

/** What the command runs, built: it needs its generator thread's file beside itself. */
const { runBench } = createRequire(import.meta.url)('../../dist/bundle/main-bench.cjs') as {
  readonly runBench: typeof RunBench;
};

/** Runs the command in a process of its own. */
const command = (...args: readonly string[]) => run(process.execPath, [HEDDLE, 'bench', ...args]);

/** The same without a process, which is started in no time. */
async function here(...args: readonly string[]): Promise<{ readonly status: number; readonly stdout: string }> {
  const { terminal, text } = keepingTerminal();
  return { status: await runBench(benchInvocation(args), terminal), stdout: text() };
}

async function bench(port: number, ...args: readonly string[]): Promise<Report> {
  const { status, stdout } = await here(`:${port}`, ...NEVER_LATE, '--json', ...args);
  const { runs, ...whole } = JSON.parse(stdout) as Pick<Report, 'status'> & { readonly runs: readonly Report[] };
  expect(whole.status).toBe(status);
  const [report] = runs;
  expect(report?.status).toBe(status);
  return report as Report;
}

/** Calls `serve` for each line of a client, with its number among all lines, from 1 on. */
function lines(serve: (line: string, number: number, socket: Socket) => void): (socket: Socket) => void {
  let number = 0;
  return (socket) => {
    let rest = '';
    // Otherwise a reply waits until the client confirms the one before, with its next message.
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (data) => {
      const parts = `${rest}${String(data)}`.split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) serve(line, ++number, socket);
    });
    socket.on('end', () => socket.end());
  };
}

/** Answers lines with themselves; of all lines the one with number `from`, and those behind it, wait for `ms`. */
function stalling(from: number, ms: number): (socket: Socket) => void {
  const waiting: (() => void)[] = [];
  let isStalled = false;
  return lines((line, number, socket) => {
    if (number === from) {
      isStalled = true;
      setTimeout(() => {
        isStalled = false;
        for (const reply of waiting) reply();
      }, ms);
    }
    const reply = (): void => void socket.write(`${line}\n`);
    if (isStalled) waiting.push(reply);
    else reply();
  });
}

/** Nobody's noise is as long as this server's replies. */
const echoLater = (socket: Socket): unknown => socket.on('data', (data) => setTimeout(() => socket.write(data), 200));

// One after the other: their figures are of time.
describe('figures of heddle bench', () => {
  it('shows a stall in what clients wait, which a closed loop does not see', async () => {
    await using server = await stubServer(stalling(10, 400));
    await using other = await stubServer(stalling(10, 400));
    const args = ['--clients', '1', '--duration', '1s'];
    const [open, closed] = await Promise.all([
      bench(server.port, '--rate', '200', '--arrivals', 'even', '--pipeline', '1', ...args),
      bench(other.port, ...args),
    ]);
    // 80 of 200 messages were due during the stall, and waited for what was left of it: a tenth of all for 300 ms or longer.
    expect(open.clients.fromDue.p90).toBeGreaterThan(250);
    expect(open.clients.fromDue.worst).toBeGreaterThan(390);
    // A closed loop sees those whose client was free when they were due.
    expect(open.clients.fromDue.count).toBe(200);
    expect(open.clients.closedLoop.count).toBeLessThan(140);
    expect(open.clients.closedLoop.p90 ?? 0).toBeLessThan(open.clients.fromDue.p90 / 2);
    expect(closed.clients.fromDue.worst).toBeGreaterThan(390);
    expect(closed.clients.fromDue.p90 ?? 0).toBeLessThan(open.clients.fromDue.p90 / 2);
  });

  it('measures several targets in turn and says how they differ', async () => {
    await using quick = await stubServer(echoBytes);
    await using other = await stubServer(echoLater);
    const targets = [`:${quick.port}`, `:${other.port}`];
    const args = [...NEVER_LATE, '-c', '2', '-d', '600ms', '--rounds', '3', '--json', '--compare', 'first'];
    const { status, stdout } = await here(...targets, ...args);
    const { comparisons, runs, verdict } = JSON.parse(stdout);
    expect([status, verdict]).toEqual([4, expect.stringMatching(/^WORSE: p50/)]);
    expect(runs.map((each: { rounds: unknown[] }) => each.rounds.length)).toEqual([3, 3]);
    expect(comparisons[0].figures).toContainEqual(expect.objectContaining({ name: 'p50', outcome: 'worse' }));
  });

  it('finds the rate that a server keeps', async () => {
    // One reply each 5 ms, whoever asks; a timer that is late delays none but its own.
    let nextAt = 0;
    const replies: (() => void)[] = [];
    await using server = await stubServer(
      lines((line, _number, socket) => {
        nextAt = Math.max(nextAt + 5, performance.now());
        replies.push(() => socket.write(`${line}\n`));
        setTimeout(() => replies.shift()?.(), nextAt - performance.now());
      }),
    );
    const args = [...NEVER_LATE, '-c', '4', '-d', '100ms', '--arrivals', 'even', '-r', '100', '--timeout', '1m'];
    const { status, stdout } = await here(`:${server.port}`, ...args, '--find', 'p50<1s', '--json');
    const found = JSON.parse(stdout) as { readonly rate: number };
    expect(status).toBe(0);
    // On a busy machine it seems to keep less.
    expect(found.rate).toBeGreaterThan(0);
    expect(found.rate).toBeLessThan(300);
  });
});

describe.concurrent('heddle bench', () => {
  it('drives the rate that was asked for, and checks each reply', async () => {
    await using server = await stubServer(echoBytes);
    const args = ['--rate', '500', '--arrivals', 'even', '--duration', '400ms', '--clients', '7'];
    const report = await bench(server.port, ...args);
    expect(report).toMatchObject({ status: 0, verdict: 'Done', expected: { kind: 'echo' } });
    expect(report.clients).toMatchObject({ asked: 500, wrong: 0, lost: 0 });
    expect(report.clients.fromDue.count).toBe(200);
  });

  it('finds one byte that is wrong, shows the reply, and ends with 3', async () => {
    await using server = await stubServer(
      lines((line, number, socket) => socket.write(`${number === 50 ? line.replace(/.$/, '!') : line}\n`)),
    );
    const report = await bench(server.port, '--rate', '200', '--duration', '500ms');
    expect(report).toMatchObject({ status: 3, verdict: 'WRONG: 1 replies were wrong', clients: { wrong: 1, lost: 0 } });
    const { got = '', sent = '' } = report.wrongReply ?? {};
    expect(got).toBe(`${sent.trimEnd().slice(0, -1)}!`);
  });

  it('finds replies that went to another client', async () => {
    let last: string | undefined;
    await using server = await stubServer(
      lines((line, number, socket) => {
        socket.write(`${(number > 20 && number < 30 ? last : undefined) ?? line}\n`);
        last = line;
      }),
    );
    const report = await bench(server.port, '--rate', '200', '--duration', '500ms', '--clients', '4');
    expect(report.status).toBe(3);
    expect(report.clients.wrong).toBe(9);
  });

  it('finds a reply that nobody asked for', async () => {
    await using server = await stubServer(
      lines((line, number, socket) => socket.write(number === 30 ? `${line}\nand more\n` : `${line}\n`)),
    );
    const report = await bench(server.port, '--rate', '100', '--duration', '500ms', '--clients', '1');
    expect([report.status, report.wrongReply?.got]).toEqual([3, 'and more']);
  });

  it('counts messages without a reply as waits, and ends with 1', async () => {
    await using server = await stubServer(
      lines((line, number, socket) => {
        if (number !== 40) socket.write(`${line}\n`);
      }),
    );
    const args = [
      '--rate',
      '100',
      '--arrivals',
      'even',
      '--duration',
      '500ms',
      '--clients',
      '50',
      '--timeout',
      '700ms',
    ];
    const report = await bench(server.port, ...args);
    expect(report).toMatchObject({ status: 1, verdict: expect.stringMatching(/^FAILED: \d+ messages got no reply$/) });
    expect(report.clients.lost).toBeGreaterThanOrEqual(1);
    expect(report.clients.fromDue.count).toBe(50);
    expect(report.clients.fromDue.worst).toBeGreaterThan(690);
  });

  it('ends with 4 if a requirement was missed, and with 0 if not', async () => {
    await using server = await stubServer(echoBytes);
    // The server is this process, whose CPU time is known.
    const args = ['--duration', '300ms', '--require', 'worst<1h', '--require', 'cpu<1h', '--require'];
    expect((await bench(server.port, ...args, 'rate>=1')).status).toBe(0);
    expect((await bench(server.port, ...args, 'rate<1')).status).toBe(4);
  });

  it('gives no verdict where it was late itself, and ends with 5', async () => {
    await using server = await stubServer(echoBytes);
    const report = await bench(
      server.port,
      '--duration',
      '300ms',
      '--rate',
      '1000',
      '--late',
      '0ms',
      '--require',
      'rate<1',
    );
    expect([report.status, report.verdict]).toEqual([
      5,
      expect.stringMatching(/^NO VERDICT: the generator itself was late/),
    ]);
  });

  it('ends with 1 if nobody is there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    server.close();
    const { status, stderr } = await command(`:${port}`);
    expect([status, stderr]).toEqual([1, expect.stringContaining('connection refused')]);
  });

  it('says which reply it found where the message does not come back', async () => {
    await using server = await stubServer(lines((_line, _number, socket) => socket.write('+PONG\r\n')));
    const args = ['--message', 'PING', '--framing', 'line:crlf', '--duration', '200ms', '--late', '1h', '--warm', '0s'];
    const { stdout, status } = await here(`:${server.port}`, ...args);
    expect(status).toBe(0);
    expect(stdout).toContain('each reply is checked: "+PONG"');
  });

  it('refuses a message that may reach the server in parts, each with a reply', async () => {
    await using server = await stubServer(reverseChunks);
    const args = ['--framing', 'chunk', '--size', '200KiB', '-d', '100ms', '--expect'];
    await expect(here(`:${server.port}`, ...args, 'reverse')).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: expect.stringMatching(/^A message of 204800 bytes with --framing chunk .* send 32KiB at most/),
    });
  });

  it('says that it does not check where nothing says what a right reply is', async () => {
    await using server = await stubServer(lines((_line, number, socket) => socket.write(`${number}\n`)));
    const { status, stdout } = await here(`:${server.port}`, ...NEVER_LATE, '--duration', '200ms');
    expect([status, stdout]).toEqual([0, expect.stringContaining('replies are only counted')]);
  });

  it('lets other clients send something else beside, and counts their waits apart', async () => {
    await using server = await stubServer(
      lines((line, _number, socket) => socket.write(`${line === 'burn' ? 'done' : line}\n`)),
    );
    const report = await bench(
      server.port,
      '-r',
      '200',
      '-d',
      '500ms',
      '--beside',
      '2:burn',
      '--beside',
      '1:x {nonce}',
    );
    expect(report.beside).toMatchObject([
      { name: 'burn', clients: 2, wrong: 0 },
      { name: 'x {nonce}', clients: 1, wrong: 0 },
    ]);
    for (const { fromDue } of report.beside) expect(fromDue.count).toBeGreaterThan(0);
    expect(report.clients.fromDue.count).toBeGreaterThan(50);
  });

  it('does not take neighbours for others, whatever they send and however many threads there are', async () => {
    await using server = await stubServer(echoBytes);
    const beside = ['--beside', '1:clients', '--beside', '1:clients'];
    const report = await bench(server.port, '-r', '100', '-d', '400ms', '-c', '2', '--generators', '2', ...beside);
    expect([report.clients, ...report.beside].map(({ clients }) => clients)).toEqual([2, 1, 1]);
    expect(report.clients.fromDue.count).toBeLessThan(100);
  });

  it('goes on with a client that is cut off while it waits to leave', async () => {
    let accepted = 0;
    let cut: Socket | undefined;
    await using server = await stubServer((socket) => {
      // Two connections ask what a right reply is.
      const isOfLoad = ++accepted > 2;
      socket.on('data', (data) => {
        if (isOfLoad && cut === undefined) {
          // The first message of the load gets no reply, so its client cannot leave; then the client is cut off.
          cut = socket;
          setTimeout(() => socket.destroy(), 200);
        } else if (socket !== cut) socket.write(data);
      });
      socket.on('end', () => socket.end());
    });
    const args = ['-c', '1', '--churn', '10', '-r', '50', '-d', '1500ms', '--require', 'lost<75'];
    const report = await bench(server.port, ...args);
    expect(report).toMatchObject({ status: 0, clients: { closed: 1, wrong: 0 } });
    expect(report.clients.connects).toBeGreaterThanOrEqual(2);
  });

  it('sends several messages at a time in a stream without message boundaries', async () => {
    await using server = await stubServer(echoBytes);
    const texts = ['--message', 'a {nonce}', '--pipeline', '4', '--framing', 'chunk'];
    const report = await bench(server.port, ...texts, '-d', '200ms', '-c', '2');
    expect(report).toMatchObject({ status: 0, clients: { wrong: 0, lost: 0 } });
  });

  it('has clients leave and come again without losing a reply', async () => {
    const accepted = { count: 0 };
    await using server = await stubServer((socket) => {
      accepted.count++;
      echoBytes(socket);
    });
    const report = await bench(server.port, '-r', '500', '-d', '600ms', '--clients', '8', '--churn', '60');
    expect(report).toMatchObject({ status: 0, clients: { wrong: 0, lost: 0, closed: 0 } });
    expect(report.clients.connects).toBeGreaterThan(5);
    // Two connections asked what a right reply is; the last ones may not have got through.
    const others = accepted.count - 2 - 8 - report.clients.connects;
    expect(others).toBeGreaterThanOrEqual(0);
    expect(others).toBeLessThanOrEqual(8);
  });

  it('has clients pause, come one after the other, and leave with a reset', async () => {
    let resets = 0;
    await using server = await stubServer((socket) => {
      echoBytes(socket);
      socket.on('error', ({ code }: NodeJS.ErrnoException) => (resets += Number(code === 'ECONNRESET')));
    });
    const start = performance.now();
    const pauses = ['-c', '20', '-d', '500ms', '--think', '50ms', '--connect-rate', '40'];
    const report = await bench(server.port, ...pauses, '--churn', '40', '--reset', '100');
    // 20 connections at 40 a second take half a second, before the load begins.
    expect(performance.now() - start).toBeGreaterThan(950);
    expect(report).toMatchObject({ status: 0, clients: { wrong: 0, lost: 0, closed: 0 } });
    // Each client sends 20 messages a second at most, and some while it connects anew.
    expect(report.clients.asked).toBeLessThan(600);
    expect(report.clients.asked).toBeGreaterThan(40);
    expect(report.clients.connects).toBeGreaterThan(20);
    expect(resets).toBeGreaterThan(0);
  });

  it('keeps idle connections, and says how many were lost', async () => {
    const idle = new Set<Socket>();
    await using server = await stubServer((socket) => {
      idle.add(socket);
      socket.once('data', () => idle.delete(socket)).once('close', () => idle.delete(socket));
      lines((line, number, from) => {
        if (number >= 20 && idle.size === 10) for (const each of [...idle].slice(0, 3)) each.destroy();
        from.write(`${line}\n`);
      })(socket);
    });
    const report = await bench(server.port, '-r', '200', '-d', '500ms', '--clients', '1', '--idle', '10');
    expect([report.idle, report.idleLost]).toEqual([7, 3]);
  });

  it('goes on when the server closes connections, and counts them', async () => {
    await using server = await stubServer(
      lines((line, number, socket) => (number === 60 ? socket.destroy() : socket.write(`${line}\n`))),
    );
    const report = await bench(server.port, '-r', '200', '-d', '500ms', '--clients', '2', '--require', 'lost<100');
    expect(report).toMatchObject({ status: 0, clients: { closed: 1, wrong: 0 } });
    expect(report.clients.lost).toBeGreaterThanOrEqual(1);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('prints the figures so far on %s', async (signal) => {
    await using server = await stubServer(
      lines((line, number, socket) => {
        socket.write(`${line}\n`);
        if (number === 100) running.child.kill(signal);
      }),
    );
    await using running = new Running(process.execPath, [
      HEDDLE,
      'bench',
      `:${server.port}`,
      ...NEVER_LATE,
      '-r',
      '200',
      '-d',
      '1h',
    ]);
    const { status, stdout } = await running.finished();
    expect([status, stdout]).toEqual([signal === 'SIGINT' ? 130 : 143, expect.stringMatching(/from due +\d/)]);
  });
});

it('says beside its own figures what a Heddle server says itself', async () => {
  await using server = await startHeddle('--framing', 'line', '--host', '127.0.0.1');
  const { stdout } = await here(`:${server.port}`, ...NEVER_LATE, '-r', '100', '-d', '1s', '--json');
  const [report] = JSON.parse(stdout).runs;
  // On a busy machine the server is asked some time after the measured time has begun.
  expect(report.serverResponse.count).toBeGreaterThan(0);
  expect(report.serverResponse.count).toBeLessThanOrEqual(report.clients.fromDue.count + 2);
  expect(report.serverResponse.p99Ms).toBeGreaterThan(0);
});

it('compares targets of which one speaks TLS', async () => {
  await using plain = await stubServer(echoBytes);
  using certificates = new Certificates();
  const authority = certificates.authority('Heddle test');
  const { cert, key } = certificates.issue('localhost', authority);
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, echoBytes).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const args = [...NEVER_LATE, '-c', '2', '-d', '200ms', '--rounds', '1', '--tls-ca', authority.cert];
  const { status, stdout } = await here(`:${plain.port}`, `tls://localhost:${port}`, ...args);
  server.close();
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^ +127\.0\.0\.1:\d+ +localhost:\d+ +ratio$/m)]);
});

it('has a module judge replies, in several threads', async () => {
  const file = join(testFolder(), 'check.mjs');
  writeFileSync(
    file,
    `export default (message, reply) => {
      if (String(message).endsWith('7')) throw new Error('seven');
      return String(reply) === String(message).toUpperCase() || 'not in capitals';
    };`,
  );
  await using server = await stubServer(lines((line, _number, socket) => socket.write(`${line.toUpperCase()}\n`)));
  const args = [...NEVER_LATE, '-c', '2', '-d', '200ms', '--generators', '2', '--expect', file, '--message'];
  const right = await here(`:${server.port}`, ...args, 'a {random:5}', '--quiet', '--require', 'wrong=0');
  expect(right).toEqual({ status: 0, stdout: 'pass  wrong=0: 0\nDone\n' });
  await expect(here(`:${server.port}`, ...args, 'a {seq}')).rejects.toMatchObject({
    code: 'HEDDLE_INVALID_OPTION',
    message: `--expect ${file} failed: Error: seven (at ${file}:2)`,
  });
  const broken = join(testFolder(), 'broken.mjs');
  writeFileSync(broken, 'export default (;');
  await expect(here(`:${server.port}`, '--expect', broken)).rejects.toMatchObject({
    code: 'HEDDLE_INVALID_OPTION',
    message: expect.stringMatching(/^--expect cannot load .*: SyntaxError: .* \(at .*broken\.mjs:1\)$/),
  });
  await using other = await stubServer(echoBytes);
  const { status, stdout } = await here(`:${other.port}`, ...args, 'a {random:5}');
  expect([status, stdout]).toEqual([3, expect.stringMatching(/expected not in capitals\n {2}got {6}a [a-z]{5}\n/)]);
});

// One after the other: their folders are removed when the test that runs then has finished.
describe('files of heddle bench', () => {
  it('compares with a run that was saved', async () => {
    const file = join(testFolder(), 'saved.json');
    await using quick = await stubServer(echoBytes);
    const args = [...NEVER_LATE, '-c', '2', '-d', '600ms', '--rounds', '3', '--json'];
    writeFileSync(file, (await here(`:${quick.port}`, ...args)).stdout);
    await using slow = await stubServer(echoLater);
    expect((await here(`:${slow.port}`, ...args, '--compare', file)).status).toBe(4);
    await expect(here(`:${slow.port}`, '--compare', import.meta.filename)).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: expect.stringContaining('Save a run with: heddle bench --json'),
    });
  });

  it('raises the rate evenly, and writes percentiles for other tools', async () => {
    const file = join(testFolder(), 'waits.hgrm');
    await using server = await stubServer(echoBytes);
    const args = ['--ramp', '100..900', '--arrivals', 'even', '-d', '500ms', '--hgrm', file];
    const report = await bench(server.port, ...args);
    expect(report).toMatchObject({ status: 0, rate: 100, rampTo: 900 });
    expect(report.clients.fromDue.count).toBe(250);
    const counts = report.clients.steps.map(({ count }) => count);
    expect(counts).toHaveLength(10);
    // A message that is due where one tenth ends and the next begins may count in both ways.
    for (const [step, count] of counts.entries()) expect(Math.abs(count - 7 - 4 * step)).toBeLessThanOrEqual(2);
    expect(readFileSync(file, 'utf8')).toMatch(/1\.000000000000 +250\n#\[Mean/);
  });

  it('writes a line for each reply', async () => {
    const file = join(testFolder(), 'replies.csv');
    await using server = await stubServer(
      lines((line, number, socket) => {
        if (number !== 60) socket.write(`${number === 50 ? 'no' : line}\n`);
      }),
    );
    const args = ['-r', '200', '--arrivals', 'even', '-d', '500ms', '-c', '4', '--generators', '2', '--trace', file];
    const report = await bench(server.port, ...args, '--timeout', '300ms', '--beside', '1:same');
    expect(report.status).toBe(3);
    const [head, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(head).toBe('due_ms,wait_ms,group,client,message,outcome');
    // A message that is due when the time is over is sent, but not counted.
    const counted = rows.filter((row) => Number.parseFloat(row) < 500);
    const outcomes = counted.filter((row) => /^\d+\.\d{3},\d+\.\d{3},0,\d+,\d+,(right|wrong|lost)$/.test(row));
    expect(outcomes).toHaveLength(report.clients.fromDue.count);
    const count = (outcome: string): number => rows.filter((row) => row.endsWith(outcome)).length;
    // A reply that never came has those behind it come in its place, until its connection is given up.
    expect(count('wrong')).toBe(report.clients.wrong + (report.beside[0]?.wrong ?? 0));
    expect(count('lost')).toBeGreaterThanOrEqual(1);
    expect(counted.length - outcomes.length).toBe(report.beside[0]?.fromDue.count);
  });

  it('sends the lines of a file, in a stream without message boundaries too', async () => {
    const folder = testFolder();
    const file = join(folder, 'messages.txt');
    writeFileSync(file, `short\n${'long'.repeat(20_000)}\n`);
    await using server = await stubServer(echoBytes);
    const args = ['--message-file', file, '--duration', '300ms', '--warm', '0s', '--late', '1h', '--clients', '3'];
    const { status, stdout } = await here(`:${server.port}`, ...args);
    expect([status, stdout]).toEqual([0, expect.stringContaining('wrong 0   lost 0')]);
  });

  it('writes a page that loads nothing, with what the server said as text', async () => {
    const file = join(testFolder(), 'report.html');
    await using server = await stubServer(echoBytes);
    const args = [...NEVER_LATE, '-d', '300ms', '-r', '100', '--beside', '1:<script>', '--html', file];
    expect((await here(`:${server.port}`, ...args)).status).toBe(0);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(/);
    expect(page).toContain('<svg');
    const { status, stderr } = await command('--html', join(file, 'no-folder'));
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^--html cannot write .*: ENOTDIR/)]);
  });
});
