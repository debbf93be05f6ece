import { once } from 'node:events';
import { createReadStream, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describe, expect, it, vi } from 'vitest';
import { runClient } from '../../../src/cli/client/client.ts';
import { testFolder } from '../../support/folder.ts';
import { echoBytes, reverseChunks, stubServer } from '../../client/stub-server.ts';

interface Given {
  readonly port: number;
  readonly input: string | Buffer | Readable;
  readonly message?: string;
  readonly repl?: boolean;
  readonly isTTY?: boolean;
  readonly flags?: object;
}

async function run({ port, input, message, repl = false, isTTY = false, flags = {} }: Given) {
  const readable = input instanceof Readable ? input : Readable.from([Buffer.from(input)]);
  const stdin = Object.assign(readable, { isTTY });
  const printed: Buffer[] = [];
  const stdout = new PassThrough().on('data', (data: Buffer) => printed.push(data));
  const invocation = { message, repl, flags: { port: `${port}`, ...flags }, environment: {} };
  const result = await runClient(invocation, { stdin, stdout, stderr: new PassThrough() }).catch(
    (error: Error) => error,
  );
  stdout.end();
  await finished(stdout);
  return { result, output: Buffer.concat(printed).toString() };
}

describe('heddle client', () => {
  it('sends its message for as long as the answer is y or Y', async () => {
    await using server = await stubServer(reverseChunks);
    const { result, output } = await run({ port: server.port, input: 'y\nY\nn\ny\n', isTTY: true });
    expect(result).toBe(0);
    const round = 'Received from server: tneilc morf olleh\nDo you want to continue (y/n): ';
    expect(output).toBe(round.repeat(3));
  });

  it.each(['n\n', 'yes\n', '\n', 'no'])('ends with the answer %j', async (input) => {
    await using server = await stubServer(reverseChunks);
    const { result, output } = await run({ port: server.port, input, message: 'abc' });
    const answer = input.trimEnd();
    expect([result, output]).toEqual([0, `Received from server: cba\nDo you want to continue (y/n): ${answer}\n`]);
  });

  it('ends with the end of input', async () => {
    await using server = await stubServer(reverseChunks);
    const { result, output } = await run({ port: server.port, input: '', message: 'abc' });
    expect([result, output]).toEqual([0, 'Received from server: cba\nDo you want to continue (y/n): \n']);
  });

  it.each([false, true])('ends after the answer where a connection has one message (repl: %s)', async (repl) => {
    await using server = await stubServer(echoBytes);
    const input = new PassThrough().setEncoding('utf8');
    input.write('abc\n');
    const message = repl ? undefined : 'abc';
    const { result, output } = await run({
      port: server.port,
      input,
      repl,
      isTTY: !repl,
      flags: { framing: 'end' },
      ...(message !== undefined && { message }),
    });
    expect(result).toBe(0);
    expect(output).toMatch(
      repl ? /^Connected to .*\. One line is the message; .*\n> abc {2}\(.* ms\)\n$/ : /^Received from server: abc\n$/,
    );
  });

  it('shows nothing that a terminal would act upon', async () => {
    await using server = await stubServer((socket) => socket.on('data', () => socket.write('\u001b[2Jboo\r\n')));
    const { output } = await run({ port: server.port, input: 'n\n', message: 'x' });
    expect(output).toContain('Received from server: \\x1b[2Jboo\n');
  });

  it('says that the server closed the connection', async () => {
    await using server = await stubServer((socket) => socket.once('data', () => socket.end()));
    const { result } = await run({ port: server.port, input: 'y\n', message: 'x' });
    expect(String(result)).toBe(
      `HeddleError: The server at 127.0.0.1:${server.port} closed the connection before it replied`,
    );
  });
});

describe('heddle client with its input from a file', () => {
  it.each([
    ['', ''],
    ['y\nn\n', 'Do you want to continue (y/n): y\nReceived from server: cba\nDo you want to continue (y/n): n\n'],
    ['y\n', 'Do you want to continue (y/n): y\nReceived from server: cba\n'],
  ])('that has %j asks only what is answered', async (answers, output) => {
    await using server = await stubServer(reverseChunks);
    const file = join(testFolder(), 'answers');
    writeFileSync(file, answers);
    const fd = openSync(answers === '' ? '/dev/null' : file, 'r');
    const input = Object.assign(createReadStream(file, { fd, autoClose: true }), { fd });
    expect(await run({ port: server.port, input, message: 'abc' })).toEqual({
      result: 0,
      output: `Received from server: cba\n${output}`,
    });
  });
});

/** A line editor at work: `type` writes to it, `shows` resolves when its output has what is looked for. */
function edit(port: number, isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  let output = '';
  const stdout = new PassThrough();
  stdout.on('data', (data: Buffer) => (output += String(data)));
  const invocation = { message: undefined, repl: true, flags: { port: `${port}`, framing: 'line' }, environment: {} };
  const result = runClient(invocation, { stdin, stdout, stderr: new PassThrough() });
  const shows = (pattern: RegExp): Promise<void> =>
    vi.waitFor(() => expect(output).toMatch(pattern), { timeout: 10_000 });
  return { type: (text: string) => stdin.write(text), end: () => stdin.end(), result, shows };
}

describe('heddle client --repl', () => {
  it('shows what the server sends by itself, and times replies only', async () => {
    await using server = await stubServer((socket) => {
      socket.write('welcome\n');
      socket.on('data', (data) => socket.write(`${String(data)}news\n`));
    });
    const editor = edit(server.port, false);
    await editor.shows(/^Connected to .*\n> welcome\n$/);
    editor.type('one\n');
    await editor.shows(/welcome\none {2}\([\d.]+ ms\)\n(> )?news\n(> )?$/);
    editor.end();
    expect(await editor.result).toBe(0);
  });

  it('lets a line be typed while no reply comes, and shows messages above it', async () => {
    await using server = await stubServer(() => {});
    const editor = edit(server.port, true);
    await editor.shows(/> [^\n]*$/);
    editor.type('one\r');
    await editor.shows(/one[^]*> [^\n]*$/);
    editor.type('tw');
    await editor.shows(/tw$/);
    for (const socket of server.sockets) socket.write('late\n');
    await editor.shows(/late {2}\([\d.]+ ms\)\n[^]*> tw[^\n]*$/);
    editor.type('\u0003');
    expect(await editor.result).toBe(0);
  });

  it('says that the server closed the connection', async () => {
    await using server = await stubServer((socket) => socket.end('bye\n'));
    const editor = edit(server.port, true);
    await expect(editor.result).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    await editor.shows(/bye\n/);
  });
});

describe('heddle client with its input from a pipe', () => {
  it.each(['line', 'length', 'delimiter:|'])(
    'sends each line and prints the replies, with framing %s',
    async (framing) => {
      await using server = await stubServer(echoBytes);
      const words = Array.from({ length: 2_000 }, (_, index) => `word ${index}\n`).join('');
      const { result, output } = await run({ port: server.port, input: words, flags: { framing } });
      expect([result, output]).toEqual([0, words]);
    },
  );

  it('waits for each reply where messages have no boundaries', async () => {
    await using server = await stubServer(reverseChunks);
    const { result, output } = await run({ port: server.port, input: 'abc\n\ndef\r\nlast' });
    expect([result, output]).toEqual([0, 'cba\nfed\ntsal\n']);
  });

  it('takes lines as bytes', async () => {
    await using server = await stubServer(reverseChunks);
    const stdin = Readable.from([Buffer.of(0xff, 0x61, 10)]);
    const { output } = await run({ port: server.port, input: stdin });
    expect(Buffer.from(output)).toEqual(Buffer.from(Buffer.of(0x61, 0xff, 10).toString()));
  });

  it('sends all of it as one message with framing end', async () => {
    await using server = await stubServer(echoBytes);
    const { result, output } = await run({ port: server.port, input: 'a\nb\n', flags: { framing: 'end' } });
    expect([result, output]).toEqual([0, 'a\nb\n']);
  });

  it('says that not every reply came', async () => {
    await using server = await stubServer((socket) => socket.once('data', () => socket.end('one\n')));
    const { result, output } = await run({ port: server.port, input: 'a\nb\n', flags: { framing: 'line' } });
    expect(output).toBe('one\n');
    expect(String(result)).toBe('HeddleError: The server closed the connection early: 2 messages went, 1 replies came');
  });

  it('does not wait for more input when the server is gone', async () => {
    await using server = await stubServer((socket) => socket.end());
    const { result } = await run({ port: server.port, input: new PassThrough(), flags: { framing: 'line' } });
    expect(String(result)).toContain('The server closed the connection early: 0 messages went');
  });
});

describe('heddle client with a Unix socket in the environment', () => {
  async function greeting(unix: string, flags: object): Promise<string> {
    const stdout = new PassThrough();
    const invocation = { message: undefined, repl: true, flags, environment: { HEDDLE_UNIX: unix } };
    const stdin = Readable.from([]);
    await runClient(invocation, { stdin, stdout, stderr: new PassThrough() });
    return String(stdout.read());
  }

  it('connects to it, unless a flag says where else', async () => {
    const unix = join(testFolder(), 'a.sock');
    const local = createServer(reverseChunks).listen(unix);
    await once(local, 'listening');
    await using server = await stubServer(reverseChunks);
    expect(await greeting(unix, {})).toContain(`Connected to unix:${unix}. `);
    expect(await greeting(unix, { port: `${server.port}` })).toContain(`Connected to 127.0.0.1:${server.port}. `);
    local.close();
  });
});

describe('heddle client --repl', () => {
  it('shows each reply and how long it took', async () => {
    await using server = await stubServer(reverseChunks);
    const { result, output } = await run({
      port: server.port,
      input: 'abc\n\nné\n',
      repl: true,
      flags: { framing: 'chunk' },
    });
    expect(result).toBe(0);
    const times = output.replaceAll(/\d+(\.\d+)? ms/g, 'N ms');
    expect(times).toMatch(
      /^Connected to 127\.0\.0\.1:\d+\. Each line is a message; Ctrl-D ends\.\n> cba {2}\(N ms\)\n(> )*.*\(N ms\)\n(> )?\n$/,
    );
  });

  it('says that the server closed the connection, without waiting for a line', async () => {
    await using server = await stubServer((socket) => socket.end());
    const { result } = await run({ port: server.port, input: new PassThrough(), repl: true });
    expect(String(result)).toContain('closed the connection');
  });
});
