import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { WebSocket } from 'ws';
import { start, TIMEOUT_MS } from '../server/running.ts';
import { testFolder } from '../support/folder.ts';
import { run, Running as Process } from './processes.ts';

/* The examples with clients of their protocols that stay connected, while a thread dies beside them, and until the server drains. */

/** A client that stays. */
interface Conversation extends AsyncDisposable {
  ask(): Promise<string>;
  /** Resolves when the client has seen the end of its connection. */
  leaves(): Promise<unknown>;
}

/** A client that reads lines from its stdin, and says `answer` for each; `isBlind`: it waits there also when its connection has ended. */
function typing(
  command: string,
  words: readonly string[],
  line: string,
  answer: string,
  isBlind = false,
): Conversation {
  const client = new Process(command, words);
  let asked = 0;
  const ask = async (): Promise<string> => {
    client.child.stdin?.write(line);
    await client.shows(new RegExp(`^([^]*?${answer}){${++asked}}`));
    return answer;
  };
  const leaves = (): Promise<unknown> => {
    if (isBlind) client.child.stdin?.end();
    return client.finished();
  };
  return { ask, leaves, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

async function rpcClient(port: number): Promise<Conversation> {
  const socket = connect(port, '127.0.0.1');
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  rpc.listen();
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  const dispose = async (): Promise<void> => void socket.destroy();
  return { ask: () => rpc.sendRequest('hello'), leaves: () => closed, [Symbol.asyncDispose]: dispose };
}

async function http2Client(port: number): Promise<Conversation> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, 'connect');
  const closed = once(session, 'close');
  const ask = async (): Promise<string> => (await session.request({ ':path': '/' }).toArray()).join('');
  const dispose = async (): Promise<void> => session.destroy();
  return { ask, leaves: () => closed, [Symbol.asyncDispose]: dispose };
}

async function webSocketClient(port: number): Promise<Conversation> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const ask = async (): Promise<string> => {
    socket.send('hello');
    return String((await once(socket, 'message'))[0]);
  };
  return { ask, leaves: () => closed, [Symbol.asyncDispose]: async () => socket.terminate() };
}

/** Sends a mail for each line that it reads, until the server says something by itself. */
const MAILER = `import select, smtplib, sys
client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]))
while sys.stdin in select.select([sys.stdin, client.sock], [], [])[0]:
    client.sendmail('bo@example.com', ['ann@example.com'], sys.stdin.readline())
    print('taken', flush=True)
sys.exit(client.getreply()[0] != 421)`;

/** A connection of OpenSSH that its `ControlMaster` keeps, over which each command goes. */
async function sshClient(port: number): Promise<Conversation> {
  const folder = testFolder();
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${folder}/known`, `ControlPath=${folder}/control`];
  const words = [...options, 'LogLevel=ERROR'].flatMap((option) => ['-o', option]);
  const master = new Process('ssh', [...words, '-M', '-N', '-p', `${port}`, '127.0.0.1']);
  await vi.waitUntil(() => existsSync(`${folder}/control`), { timeout: TIMEOUT_MS, interval: 10 });
  // Nothing listens at port 1, where it would go by itself.
  const ask = async (): Promise<string> => (await run('ssh', [...words, '-p', '1', '127.0.0.1', 'uptime'])).stdout;
  return { ask, leaves: () => master.finished(), [Symbol.asyncDispose]: () => master[Symbol.asyncDispose]() };
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
/* Both write each line at once, which they would not do to a pipe. */
const SEARCHES = ['-oL', 'ldapsearch', '-x', '-LLL', '-b', 'cn=ann'];
const EACH_LINE = ['-f', '-', '(cn=%s)'];
const EXACTLY_ONCE = ['-oL', 'mosquitto_pub', '-t', 'weather', '-q', '2', '-l', '-d'];

interface Row {
  readonly example: string;
  readonly open: (port: number) => Conversation | Promise<Conversation>;
  readonly answer: string;
}

const ROWS: readonly Row[] = [
  {
    example: 'redis',
    open: (port) => typing('redis-cli', ['-p', `${port}`], 'echo hello\n', 'hello', true),
    answer: 'hello',
  },
  {
    example: 'postgres',
    open: (port) => typing('psql', ['-At', `host=127.0.0.1 port=${port} user=ann`], 'hello;\n', 'hello;', true),
    answer: 'hello;',
  },
  {
    example: 'ldap',
    open: (port) =>
      typing('stdbuf', [...SEARCHES, '-H', `ldap://127.0.0.1:${port}`, ...EACH_LINE], 'ann\n', 'dn: cn=ann', true),
    answer: 'dn: cn=ann',
  },
  {
    example: 'mqtt-broker',
    open: (port) => typing('stdbuf', [...EXACTLY_ONCE, '-p', `${port}`], 'it rains\n', 'PUBCOMP', true),
    answer: 'PUBCOMP',
  },
  {
    example: 'smtp',
    open: (port) => typing('python3', ['-c', MAILER, `${port}`], 'Subject: hello\n', 'taken'),
    answer: 'taken',
  },
  { example: 'ssh', open: sshClient, answer: 'You said: uptime\n' },
  { example: 'language-server', open: rpcClient, answer: 'hello' },
  { example: 'websocket', open: webSocketClient, answer: 'hello' },
  { example: 'http2', open: http2Client, answer: 'GET / over HTTP/2.0\n' },
];

describe('a client is served beside a thread that dies, until the server drains', () => {
  it.each(ROWS)('$example', async ({ example, open, answer }) => {
    vi.stubEnv('HEDDLE_EXAMPLE', fileURLToPath(new URL(`../../examples/${example}.ts`, import.meta.url)));
    const hostKey = join(testFolder(), 'host_key');
    writeFileSync(hostKey, privateKey.export({ type: 'sec1', format: 'pem' }));
    vi.stubEnv('SSH_HOST_KEY', hostKey);
    await using running = await start(new URL('services/mortal.ts', import.meta.url));
    await using client = await open(running.port);
    expect(await client.ask()).toBe(answer);
    const [{ thread: own } = { thread: 0 }] = await running.seen('open');
    const other = own === 1 ? 2 : 1;
    const orders = new BroadcastChannel('end-of-thread');
    onTestFinished(() => orders.close());
    orders.postMessage(other);
    expect(await running.seen('thread-exit')).toMatchObject([{ thread: other }]);
    expect(await client.ask()).toBe(answer);
    await Promise.all([running.server.drain(), client.leaves()]);
    expect(running.server.stats().closes).toMatchObject({ 'thread-exit': 0, 'client-reset': 0, 'service-error': 0 });
  });
});
