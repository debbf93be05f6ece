import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { start } from '../server/running.ts';
import { Certificates } from './certificates.ts';
import { Haproxy } from './haproxy.ts';
import { run, Running as Process, startHeddle } from './processes.ts';

/*
 * The examples with real clients of their protocols. Each is asked plainly, and under TLS behind HAProxy: a client need not speak TLS
 * for that. Libraries for Node have more tests in streams.test.ts, and clients that stay in staying-clients.test.ts.
 */

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('localhost', authority);

/** What clients here may ask for by ALPN: `dot` is dig's. */
const ALPN = ['h2', 'dot'];

const exampleUrl = (name: string): URL => new URL(`../../examples/${name}.ts`, import.meta.url);

/** Runs a client to its end and gives what it has printed. */
async function told(command: string, ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, words);
  expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
  return stdout;
}

const FILE = certificates.write('value', 'a line of a file\n'.repeat(6000));

async function copyTo(port: number): Promise<string> {
  const servers = `--servers=127.0.0.1:${port}`;
  await told('memccp', servers, FILE);
  return told('memccat', servers, 'value');
}

async function askLanguageServer(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  rpc.listen();
  const answers = await Promise.all(['one', 'two'].map((method) => rpc.sendRequest(method)));
  rpc.dispose();
  socket.destroy();
  return answers.join(' ');
}

/** What bob, who has joined a channel, sees of what ann says there. */
async function chat(port: number): Promise<string> {
  const join = (nick: string): Process => new Process('sic', ['-h', '127.0.0.1', '-p', `${port}`, '-n', nick]);
  await using bob = join('bob');
  bob.child.stdin?.write(':j #weather\n');
  await bob.shows(/JOIN/);
  await using ann = join('ann');
  ann.child.stdin?.write(':m #weather it rains: a lot\n');
  const [line] = await bob.shows(/<ann> .*$/m);
  return line;
}

async function publish(port: number, ...words: readonly string[]): Promise<string> {
  await using client = new Process('stomp', ['-H', '127.0.0.1', '-P', `${port}`, ...words]);
  client.child.stdin?.write('subscribe /topic/weather\nsend /topic/weather it rains\n');
  const [line] = await client.shows(/^it rains$/m);
  return line;
}

interface Row {
  readonly example: string;
  readonly client: string;
  readonly options?: ServeOptions;
  readonly ask: (port: number) => Promise<string>;
  readonly says: string | RegExp;
  /** The same under TLS, for a client that speaks it. */
  readonly askSecurely?: (port: number) => Promise<string>;
}

const CA = authority.cert;
const COMMANDS = 'incr a\nincr a\nset b "x y"\nget b\nget c\nno\n';
const QUERIES = ['-c', 'select 6', '-c', 'select 7'];
const SEARCH = ['-x', '-LLL', '-b', 'cn=ann,dc=example'];
const REGISTERS = ['-m', 'tcp', '-t', '4', '-r', '5', '-c', '3', '-1'];
const MAIL = ['--to', 'ann@example.com', '--from', 'bo@example.com'];
const VALUE = ['-Oqv', '-v', '2c', '-c', 'public'];
const LOOK_UP = ['+short', '+tries=1', '@127.0.0.1', 'heddle.example'];
const ADMISSION = certificates.write('adt', 'MSH|^~\\&|LAB|A|EMR|B|20261129||ORU^R01|42|P|2.5\r');

const redis = async (...words: readonly string[]): Promise<string> => (await run('redis-cli', words, COMMANDS)).stdout;
const openldap = (...words: readonly string[]): Promise<string> =>
  told('env', `LDAPTLS_CACERT=${CA}`, 'ldapsearch', ...words);

const ROWS: readonly Row[] = [
  {
    example: 'http2',
    client: 'curl',
    ask: (port) => told('curl', '-sS', '--http2-prior-knowledge', `http://127.0.0.1:${port}/one`),
    says: 'GET /one over HTTP/2.0\n',
    askSecurely: (port) => told('curl', '-sS', '--cacert', CA, `https://127.0.0.1:${port}/one`),
  },
  {
    example: 'redis',
    client: 'redis-cli',
    options: { threads: 1 },
    ask: (port) => redis('-p', `${port}`),
    says: "1\n2\nOK\nx y\n\nERR unknown command 'no'\n\n",
    askSecurely: (port) => redis('-p', `${port}`, '--tls', '--cacert', CA),
  },
  {
    example: 'memcached',
    client: 'memccp',
    options: { threads: 1 },
    ask: copyTo,
    says: 'a line of a file\n'.repeat(6000),
  },
  {
    example: 'postgres',
    client: 'psql',
    ask: (port) => told('psql', '-At', `host=127.0.0.1 port=${port} user=ann`, ...QUERIES),
    says: 'select 6\nselect 7\n',
  },
  {
    example: 'ldap',
    client: 'ldapsearch',
    ask: (port) => openldap('-H', `ldap://127.0.0.1:${port}`, ...SEARCH),
    says: 'dn: cn=ann,dc=example\ndescription: found by Heddle\n\n',
    askSecurely: (port) => openldap('-H', `ldaps://127.0.0.1:${port}`, ...SEARCH),
  },
  {
    example: 'modbus',
    client: 'mbpoll',
    ask: (port) => told('mbpoll', '-p', `${port}`, ...REGISTERS, '127.0.0.1'),
    says: /\[5\]: \t4\n\[6\]: \t5\n\[7\]: \t6\n/,
  },
  {
    example: 'dns',
    client: 'dig',
    ask: (port) => told('dig', '+tcp', '-p', `${port}`, ...LOOK_UP),
    says: '192.0.2.1\n',
    askSecurely: (port) => told('dig', '+tls', `+tls-ca=${CA}`, '-p', `${port}`, ...LOOK_UP),
  },
  {
    example: 'hl7',
    client: 'mllp_send',
    ask: (port) => told('mllp_send', '--loose', '-p', `${port}`, '-f', ADMISSION, '127.0.0.1'),
    says: /MSA\|AA\|42/,
  },
  {
    example: 'mail',
    client: 'swaks',
    ask: (port) => told('swaks', '--server', `127.0.0.1:${port}`, ...MAIL),
    says: /^<[-~] {2}250 \d+ characters taken$/m,
  },
  {
    example: 'snmp',
    client: 'snmpget',
    ask: async (port) => (await run('snmpget', [...VALUE, `tcp:127.0.0.1:${port}`, '1.3.6.1.2.1.1.4.0'])).stdout,
    says: '"127.0.0.1"\n',
  },
  { example: 'irc', client: 'sic', options: { threads: 1 }, ask: chat, says: '<ann> it rains: a lot' },
  {
    example: 'stomp',
    client: 'stomp.py',
    options: { threads: 1 },
    ask: publish,
    says: /^it rains$/m,
    askSecurely: (port) => publish(port, '--ssl', `--ssl-ca-file=${CA}`),
  },
  { example: 'language-server', client: 'vscode-jsonrpc', ask: askLanguageServer, says: 'one two' },
];

const SECURED = ROWS.flatMap(({ askSecurely, ...row }) =>
  askSecurely === undefined ? [] : [{ ...row, ask: askSecurely }],
);

describe('a client of the protocol is answered', () => {
  it.each(ROWS)('plainly: $client by $example', async ({ example, ask, says, options }) => {
    await using running = await start(exampleUrl(example), options);
    expect(await ask(running.port)).toMatch(says);
    expect(await running.all('service-error')).toEqual([]);
  });

  it.each(SECURED)('under TLS: $client by $example', async ({ example, ask, says, options }) => {
    await using running = await start(exampleUrl(example), { ...options, tls: { ...tls, alpn: ALPN } });
    expect(await ask(running.port)).toMatch(says);
  });

  it.each(ROWS)('under TLS behind HAProxy: $client by $example', async ({ example, ask, says, options }) => {
    const secured = { ...options, tls: { ...tls, alpn: ALPN }, proxyProtocol: ['127.0.0.1'] };
    await using running = await start(exampleUrl(example), secured);
    await using proxy = await Haproxy.start(running.port, `send-proxy-v2 ssl verify none alpn ${ALPN.join(',')}`);
    (await proxy.dial('127.0.0.1')).destroy();
    expect(await ask(proxy.port)).toMatch(says);
  });
});

it('redis-benchmark loses no command of 20 clients that pipeline', async () => {
  await using running = await start(exampleUrl('redis'), { threads: 1 });
  const words = ['-t', 'incr', '-n', '20000', '-c', '20', '-P', '16', '-q'];
  await told('sh', '-c', 'redis-benchmark "$@" 2>/dev/null', 'sh', '-p', `${running.port}`, ...words);
  expect(await told('redis-cli', '-p', `${running.port}`, 'get', 'counter:__rand_int__')).toBe('20000\n');
});

describe('a client that waits for no reply is heard', () => {
  it.each([
    [
      'syslog',
      'logger',
      ['--tcp', '--octet-count', '--server', '127.0.0.1', '--port', 'PORT', 'it rains'],
      /it rains$/m,
    ],
    ['syslog', 'logger', ['--tcp', '--server', '127.0.0.1', '--port', 'PORT', 'it snows'], /it snows$/m],
    [
      'mqtt-sink',
      'mosquitto_pub',
      ['-p', 'PORT', '-t', 'weather', '-m', 'it rains'],
      /^published: a packet of 19 bytes$/m,
    ],
  ])('%s: %s', async (example, client, words, printed) => {
    await using server = await startHeddle(fileURLToPath(exampleUrl(example)), '--host', '127.0.0.1');
    await told(client, ...words.map((word) => word.replace('PORT', `${server.port}`)));
    await server.shows(printed);
  });
});
