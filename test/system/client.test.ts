import { describe, expect, it } from 'vitest';
import { type Finished, HEDDLE, here, run, Running, startHeddle } from './processes.ts';

type Step = { readonly wait: string } | { readonly type: string };

/** Runs `heddle client` on a pseudo-terminal; gives what the terminal showed. */
function onTerminal(args: readonly string[], steps: readonly Step[]): Promise<Finished> {
  const script = steps.map((step) => `${JSON.stringify(step)}\n`).join('');
  return run('python3', [here('terminal.py'), process.execPath, HEDDLE, 'client', ...args], script);
}

async function articleServer(): Promise<Running & { readonly port: string }> {
  const server = new Running('python3', [here('article-server.py')]);
  const [, port = ''] = await server.shows(/^(\d+)\n/);
  return Object.assign(server, { port });
}

const QUESTION = 'Do you want to continue (y/n): ';
const SESSION = [
  'Received from server: tneilc morf olleh',
  'Do you want to continue (y/n): y',
  'Received from server: tneilc morf olleh',
  'Do you want to continue (y/n): n',
  '',
].join('\r\n');

describe('heddle client on a terminal', () => {
  it('has the article’s session with the article’s server, word for word', async () => {
    await using server = await articleServer();
    const steps = [{ wait: QUESTION }, { type: 'y\n' }, { wait: QUESTION }, { type: 'n\n' }];
    const { status, stdout, stderr } = await onTerminal(['--port', server.port], steps);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: SESSION, stderr: '' });
    const [, port] = await server.shows(/Connected to: 127\.0\.0\.1 : (\d+)\n/);
    await server.shows(new RegExp(`Bye: 127\\.0\\.0\\.1 : ${port}\n`));
  });

  it('has the same session with heddle serve', async () => {
    await using server = await startHeddle('--host', '127.0.0.1');
    const steps = [{ wait: QUESTION }, { type: 'y\n' }, { wait: QUESTION }, { type: 'n\n' }];
    const { status, stdout } = await onTerminal(['--port', `${server.port}`], steps);
    expect({ status, stdout }).toEqual({ status: 0, stdout: SESSION });
    const [, port] = await server.shows(/^Connected to: 127\.0\.0\.1 : (\d+)$/m);
    await server.shows(new RegExp(`^Bye: 127\\.0\\.0\\.1 : ${port}$`, 'm'));
  });

  it('ends with the end of input', async () => {
    await using server = await articleServer();
    const { status, stdout } = await onTerminal(
      ['--port', server.port, '-m', 'abc'],
      [{ wait: QUESTION }, { type: '\u0004' }],
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: `Received from server: cba\r\n${QUESTION}\r\n` });
  });

  it('is a line editor with history when asked to be', async () => {
    await using server = await articleServer();
    const up = '\u001b[A';
    const steps = [
      { wait: '> ' },
      { type: 'abx\u007fc\r' },
      { wait: 'cba  (' },
      { wait: ' ms)' },
      { wait: '> ' },
      { type: `${up}\r` },
      { wait: 'cba  (' },
      { wait: '> ' },
      { type: '\u0004' },
    ];
    const { status, stderr } = await onTerminal(['--port', server.port, '--repl'], steps);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('heddle client in a pipe', () => {
  it('prints the replies to the lines of its input', async () => {
    await using server = await startHeddle('--framing', 'line');
    const words = Array.from({ length: 1_000 }, (_, index) => `né ${index}`);
    const args = ['client', '--port', `${server.port}`, '--framing', 'line'];
    const { status, stdout, stderr } = await run(process.execPath, [HEDDLE, ...args], `${words.join('\n')}\n`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(words.map((word) => `${Array.from(word).toReversed().join('')}\n`).join(''));
  });

  it('says when nobody is there', async () => {
    const { status, stdout, stderr } = await run(process.execPath, [HEDDLE, 'client', '--port', '1']);
    const text =
      'Cannot connect to 127.0.0.1:1: connection refused. Is the server running? Start it with: heddle serve\n';
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: text });
  });

  it('says when the server ends in the middle, without a stack', async () => {
    const server = await articleServer();
    const client = new Running(process.execPath, [HEDDLE, 'client', '--port', server.port, '-m', 'x']);
    await client.shows(/\(y\/n\): $/);
    await server[Symbol.asyncDispose]();
    client.child.stdin?.write('y\n');
    const { status, stderr } = await client.finished();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^[^\n]*127\.0\.0\.1:\d+[^\n]*\n$/);
    expect(stderr).toMatch(/closed|lost/);
  });
});
