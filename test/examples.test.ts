import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createShared } from '../examples/shared-counter.ts';
import type { ServeOptions } from '../src/options/serve-options.ts';
import { start } from './server/running.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = new URL('../examples/', import.meta.url);

interface Talk {
  readonly sent: string;
  readonly replies: string;
  readonly options?: ServeOptions;
}

const TALKS: Record<string, Talk> = {
  'upper-case.ts': { sent: 'hello, née\nbye\n', replies: 'HELLO, NÉE\nBYE\n' },
  'chat.ts': {
    sent: 'Ann\nit rains\nbye\nnever read\n',
    replies:
      'What is your name?\nHello, Ann. Tell me something; "bye" ends it.\n1: Ann says it rains\nYou said 1 thing. Bye.\n',
  },
  'json.ts': {
    sent: '13:{"a":2,"b":3}15:{"a":20,"b":30}',
    replies: '9:{"sum":5}10:{"sum":50}',
  },
  'modbus.ts': {
    sent: '\0\x01\0\0\0\x06\x01\x03\0\x05\0\x02\0\x02\0\0\0\x02\x01\x07',
    replies: '\0\x01\0\0\0\x07\x01\x03\x04\0\x05\0\x06\0\x02\0\0\0\x03\x01\ufffd\x01',
  },
  'dns.ts': {
    sent: '\0\x13\0\x07\0\0\0\x01\0\0\0\0\0\0\x01a\0\0\x02\0\x01',
    replies: '\0\x13\0\x07\ufffd\0\0\x01\0\0\0\0\0\0\x01a\0\0\x02\0\x01',
  },
  'hl7.ts': {
    sent: '\x0bMSH|^~\\&|LAB|A|EMR|B|20261129||ORU^R01|42|P|2.5\r\x1c\r',
    replies: '\x0bMSH|^~\\&|||||||ACK|42|P|2.5\rMSA|AA|42\r\x1c\r',
  },
  'login.ts': {
    sent: 'hello\nlogin ada\nhello\nagain\n',
    replies: 'who are you? login NAME\nwelcome, ada\nada said 1: hello\nada said 2: again\n',
  },
  'tracker.ts': {
    sent: 'hello\nlogin bee\r\n\0\x08\0\0\0\x01\0\0\0\x02\0\x08\0\0\0\x03\0\0\0\x04',
    replies: 'login NAME, please\r\nwelcome, bee\r\n\0\x01\x01\0\x01\x02',
  },
  'upload.ts': {
    sent: 'put 5\nhelloget 3\nhelp\n',
    replies: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n\0\0\0put LENGTH or get LENGTH\n',
  },
  'syslog.ts': { sent: '12 <34>it rains<34>it snows\n<34>and ends', replies: '' },
  'language-server.ts': {
    sent: 'Content-Length: 27\r\n\r\n{"id":1,"method":"greeted"}',
    replies: 'Content-Length: 43\r\n\r\n{"jsonrpc":"2.0","id":1,"result":"greeted"}',
  },
  'mqtt-sink.ts': { sent: '\x10\x02ab\x30\x03\0\x01t', replies: '\x20\x02\0\0' },
  'shared-counter.ts': {
    sent: 'Ann\nEleonore\nBo\n',
    replies: [
      'You are visitor 1. The longest name so far: Ann\n',
      'You are visitor 2. The longest name so far: Eleonore\n',
      'You are visitor 3. The longest name so far: Eleonore\n',
    ].join(''),
    options: { shared: { ...createShared() } },
  },
};

/** These are tried by test/system/{streams,real-clients}.test.ts, with the clients of their protocols. */
const WITH_CLIENTS = [
  'http2.ts',
  'redis.ts',
  'memcached.ts',
  'postgres.ts',
  'ldap.ts',
  'mail.ts',
  'http.ts',
  'websocket.ts',
  'mqtt-broker.ts',
  'smtp.ts',
  'ssh.ts',
  'snmp.ts',
  'irc.ts',
  'stomp.ts',
];

describe('the examples', () => {
  it('are all tried here', () => {
    const services = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
    expect(services.filter((name) => !(name in TALKS || WITH_CLIENTS.includes(name)))).toEqual([]);
  });

  it.each(Object.entries(TALKS))('talk as they say: %s', async (name, { sent, replies, options }) => {
    await using running = await start(new URL(name, EXAMPLES), options);
    await using peer = await running.connect();
    expect(String(await peer.send(sent).finish().rest())).toBe(replies);
    expect(await running.all('service-error')).toEqual([]);
  });

  it.each([...Object.keys(TALKS), ...WITH_CLIENTS])('say how to run them: %s', (name) => {
    const [comment = ''] = /^\/\*\*[^]*?\*\//.exec(readFileSync(new URL(name, EXAMPLES), 'utf8')) ?? [];
    expect(comment).toContain(`examples/${name}`);
    expect(comment).toContain('12345');
  });

  it('counts across threads', async () => {
    const shared = createShared();
    await using running = await start(new URL('shared-counter.ts', EXAMPLES), { threads: 4, shared: { ...shared } });
    const visit = async (name: string): Promise<number> => {
      await using peer = await running.connect();
      return Number(/visitor (\d+)/.exec(await peer.ask(name))?.[1]);
    };
    const visits = await Promise.all(Array.from({ length: 40 }, (_, number) => visit(`name ${number}`)));
    expect(visits.sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, number) => number + 1));
    expect(shared.visits.value).toBe(40);
  });
});

function run(command: string, args: readonly string[]) {
  return spawnSync(command, args, { encoding: 'utf8', timeout: 100_000 });
}

/** The code of each `@example` in `file`, in order. */
function examplesIn(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(/@example\n([^]*?)\*\//g)].map(([, text]) =>
    (text ?? '').replaceAll(/^ *\* ?/gm, '').trim(),
  );
}

/** What a snippet leaves to its reader: where its server and its service are. */
const SURROUNDINGS: Record<string, (snippet: string) => string> = {
  'src/server/server.ts': (snippet) => `import { serve } from 'heddle';\n${snippet}`,
  'src/http.ts': (snippet) => snippet,
  'src/connection/service.ts': (snippet) => `import { defineService } from 'heddle';\n${snippet}`,
  'src/client/connect.ts': (snippet) => `import { connect, serve } from 'heddle';
    const server = await serve({ host: '127.0.0.1', port: 0, threads: 1, framing: 'line' });
    const { port } = server.address;
    { ${snippet.replace('port: 12345', 'port')} }
    await server.close();`,
  'src/sharing/lock.ts': (snippet) => `import { Lock } from 'heddle';
    const lock = new Lock();
    { ${snippet} if (lock.tryAcquire()) throw new Error('the lock was not taken'); }
    if (!lock.tryAcquire()) throw new Error('the lock was not given back');`,
};

describe('the examples in docstrings', () => {
  // Inside the package, so that `heddle` is the package itself, as built.
  const directory = mkdtempSync(join(ROOT, 'dist', '.examples-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  const snippets = Object.keys(SURROUNDINGS).flatMap((file) =>
    examplesIn(file).map((snippet, index) => ({ file, snippet, name: `${file.replaceAll(/\W/g, '-')}-${index}` })),
  );

  it('are where they should be', () => {
    expect(new Set(snippets.map(({ file }) => file))).toEqual(new Set(Object.keys(SURROUNDINGS)));
  });

  it('compile', () => {
    for (const { file, snippet, name } of snippets) {
      writeFileSync(join(directory, `${name}.mts`), `${SURROUNDINGS[file]?.(snippet) ?? ''}\nexport {};\n`);
    }
    writeFileSync(join(directory, 'reverse.js'), "export { default } from '../bundle/reverse.cjs';");
    const compilerOptions = {
      noEmit: false,
      allowImportingTsExtensions: false,
      rootDir: '.',
      paths: { heddle: ['../index.d.ts'], 'heddle/http': ['../http.d.ts'] },
    };
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', include: ['*.mts'], compilerOptions }),
    );
    const { stdout, status } = run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', directory]);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it.each(snippets)('run: $file', ({ name }) => {
    const { status, stderr } = run(process.execPath, [join(directory, `${name}.mjs`)]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
