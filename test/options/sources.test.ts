import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readClientCommand } from '../../src/cli/client/client-command-options.ts';
import { HeddleError } from '../../src/errors.ts';
import { readServeCommand, type ServeCommandSettings } from '../../src/cli/serve-command-options.ts';
import { connectSchema } from '../../src/options/connect-options.ts';
import { readEnvironment } from '../../src/options/environment.ts';
import { serveSchema } from '../../src/options/serve-options.ts';
import { environmentName, flagName } from '../../src/options/source.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heddle-options-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Given {
  readonly service?: string;
  readonly flags?: object;
  readonly environment?: NodeJS.ProcessEnv;
}

async function read({ service, flags = {}, environment = {} }: Given): Promise<ServeCommandSettings> {
  const { settings } = await readServeCommand({ service, flags, environment, directory });
  return settings;
}

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

describe('an option', () => {
  it('has one name in every form', () => {
    expect(flagName('maxMessageLength')).toBe('--max-message-length');
    expect(environmentName('maxMessageLength')).toBe('HEDDLE_MAX_MESSAGE_LENGTH');
  });

  it('that is a list is separated by commas in text', async () => {
    const flags = { deny: '10.0.0.0/8, ::1' };
    const { deny } = await read({ flags });
    expect(deny?.map(({ prefix }) => prefix)).toEqual([104, 128]);
    expect(await read({ environment: { HEDDLE_DENY: flags.deny } })).toMatchObject({ deny });
    write('heddle.config.json', '{ "deny": ["10.0.0.0/8", "::1"] }');
    expect(await read({})).toMatchObject({ deny });
  });

  it('may have a byte order mark before it, in a file', async () => {
    write('heddle.config.json', '\uFEFF{ "port": 7, "idleTimeout": 5 }');
    expect(await read({ flags: { drainDelay: '0' } })).toMatchObject({ port: 7, idleTimeout: 5, drainDelay: 0 });
  });

  it('comes from flags before the environment, before the file, before its default', async () => {
    write('heddle.config.json', '{ "port": 1, "backlog": 1, "threads": 1 }');
    const flags = { port: '3' };
    const environment = { HEDDLE_PORT: '2', HEDDLE_BACKLOG: '2' };
    const settings = await read({ flags, environment });
    expect(settings).toMatchObject({ port: 3, backlog: 2, threads: { min: 1, max: 1 }, placement: 'least-busy' });
  });

  it('that says where to listen in one way drops what is said in the other further down', async () => {
    write('heddle.config.json', '{ "listen": [":1", "unix:/run/x.sock"], "backlog": 1 }');
    const places = [{ port: 1 }, { unix: '/run/x.sock' }];
    expect(await read({})).toMatchObject({ listen: places, backlog: 1 });
    const byPort = await read({ flags: { port: '2' }, environment: { HEDDLE_UNIX_MODE: '0660' } });
    expect([byPort.port, byPort.listen, byPort.backlog, byPort.unixMode]).toEqual([2, undefined, 1, undefined]);
    const environment = { HEDDLE_HOST: '::1', HEDDLE_UNIX: '/run/y.sock' };
    const bySingle = await read({ environment });
    expect([bySingle.host, bySingle.unix, bySingle.listen]).toEqual(['::1', '/run/y.sock', undefined]);
    const byList = await read({ flags: { listen: ':3' }, environment });
    expect([byList.listen, byList.host, byList.unix]).toEqual([[{ port: 3 }], undefined, undefined]);
  });

  it.each([
    [
      { flags: { listen: ':1', port: '2' } },
      '--listen does not go with --port: say all of it in --listen, or leave --listen out',
    ],
    [
      { environment: { HEDDLE_LISTEN: ':1', HEDDLE_UNIX: '/x' } },
      'HEDDLE_LISTEN does not go with HEDDLE_UNIX: say all of it in HEDDLE_LISTEN, or leave HEDDLE_LISTEN out',
    ],
    [{ flags: { threads: '-1' } }, '--threads must be a positive integer, got -1'],
    [{ environment: { HEDDLE_THREADS: '-1' } }, 'HEDDLE_THREADS must be a positive integer, got -1'],
    [
      { flags: { proxyProtocol: '::1,10.0.0.1/8' } },
      '--proxy-protocol must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, or unix, got "10.0.0.1/8"',
    ],
    [{ flags: { port: 'abc' } }, '--port must be an integer from 0 to 65535, got "abc"'],
    [
      { flags: { framing: 'delimiter:\\q' } },
      String.raw`--framing has "\\q" in a mark; the escapes are \n \r \t \0 \xHH \\`,
    ],
    [{ environment: { HEDDLE_THREDS: '4' } }, 'HEDDLE_THREDS is not an option; did you mean HEDDLE_THREADS?'],
    [{ flags: { config: 'none.json' } }, 'none.json does not exist; --config must name a .ts, .js, .mjs or .json file'],
    [
      { environment: { HEDDLE_CONFIG: 'none.json' } },
      'none.json does not exist; HEDDLE_CONFIG must name a .ts, .js, .mjs or .json file',
    ],
    [
      { environment: { HEDDLE_TLS_CERT: 'c', HEDDLE_TLS_KEY: 'k', HEDDLE_TLS_REQUEST_CLIENT_CERT: 'true' } },
      'HEDDLE_TLS_REQUEST_CLIENT_CERT needs --tls-ca: the certificates of the authorities that sign client certificates',
    ],
    [
      { environment: { HEDDLE_UNIX_MODE: '0660' }, flags: { port: '1' } },
      'HEDDLE_UNIX_MODE is for a Unix socket, and there is none: name its path with --unix, or leave HEDDLE_UNIX_MODE out',
    ],
    [{ flags: { idleTimeout: '5' } }, '--idle-timeout must have a unit, such as 5ms, 5s or 5m, got 5'],
    [
      { environment: { HEDDLE_SEND_TIMEOUT: '0.5' } },
      'HEDDLE_SEND_TIMEOUT must have a unit, such as 0.5ms, 0.5s or 0.5m, got 0.5',
    ],
    [{ environment: { HEDDLE_WATCH: '1' } }, 'HEDDLE_WATCH is for a service of your own; name its file'],
    [
      { flags: { bytes: true }, service: 'a.js' },
      '--bytes is for the built-in service; leave out either it or the service',
    ],
  ])('is refused by the name it was given by: %j', async (given, message) => {
    await expect(read(given)).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION', message });
  });

  it('is named later on by what the user wrote, or as its flag', async () => {
    write('heddle.config.json', '{ "port": 1, "host": "::1", "tls": { "cert": "c", "key": "k" }, "shared": {} }');
    const environment = { HEDDLE_HOST: '::', HEDDLE_TLS_KEY: 'k' };
    const { nameOf } = await readServeCommand({
      service: undefined,
      flags: { maxClients: '5' },
      environment,
      directory,
    });
    expect(['maxClients', 'host', 'port', 'unix'].map((name) => nameOf(name))).toEqual([
      '--max-clients',
      'HEDDLE_HOST',
      'port in heddle.config.json',
      '--unix',
    ]);
    expect(['.cert', '.key', '.ca', ".sni['a'].cert", ''].map((part) => nameOf('tls', part))).toEqual([
      'tls.cert in heddle.config.json',
      'HEDDLE_TLS_KEY',
      'tls.ca in heddle.config.json',
      "tls.sni['a'].cert in heddle.config.json",
      'tls in heddle.config.json',
    ]);
    expect(nameOf('shared', '.lock')).toBe('shared.lock in heddle.config.json');
  });

  it('of TLS is named as a flag where there is no file', () => {
    const { nameOf } = readClientCommand({ tls: true }, { HEDDLE_TLS_CA: '/ca.pem' });
    expect(['', '.ca', '.cert'].map((part) => nameOf('tls', part))).toEqual(['--tls', 'HEDDLE_TLS_CA', '--tls-cert']);
    expect(readClientCommand({ tlsCa: '/ca.pem' }, {}).nameOf('tls')).toBe('--tls-ca');
  });

  it.each([
    ['heddle.config.json', '{ "threads": -1 }', 'threads in heddle.config.json must be a positive integer, got -1'],
    ['heddle.config.json', '{ "prt": 1 }', 'prt in heddle.config.json is not an option; did you mean port?'],
    [
      'heddle.config.json',
      '{ "listen": ":1", "host": "::1" }',
      'listen in heddle.config.json does not go with host in heddle.config.json: say all of it in listen in heddle.config.json, or leave listen in heddle.config.json out',
    ],
    ['heddle.config.json', '[]', 'heddle.config.json must be an object of options, got []'],
    [
      'heddle.config.mjs',
      'export const port = 1;',
      'heddle.config.mjs must export its options as default: export default { port: 12345 }',
    ],
  ])('in %s as %s is refused with the file', async (name, text, message) => {
    write(name, text);
    await expect(read({})).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION', message });
  });

  it('in a file that is no JSON is refused with the file', async () => {
    write('heddle.config.json', '{ port: 1 }');
    await expect(read({})).rejects.toThrow(/^heddle\.config\.json cannot be read: .*JSON/);
  });

  it.each([
    ["throw { port: 'none' };", "heddle.config.mjs cannot be read: { port: 'none' }"],
    ["throw new Error('one\\n  two\\u001b[2J\\u009b');", 'heddle.config.mjs cannot be read: one two\\x1b[2J\\x9b'],
    ["export default { 'p\\nrt': 1 };", 'p\\nrt in heddle.config.mjs is not an option; did you mean port?'],
  ])('in a module that is `%s` is refused in one line, safe to print', async (text, message) => {
    write('heddle.config.mjs', text);
    await expect(read({})).rejects.toThrow(new HeddleError('HEDDLE_INVALID_OPTION', message));
  });

  it('in a variable or a file with control characters in its name is refused in one line, safe to print', async () => {
    await expect(read({ environment: { 'HEDDLE_P\nRT': '1' } })).rejects.toThrow('HEDDLE_P\\nRT is not an option');
    await expect(read({ flags: { config: 'a\u001b[2J' } })).rejects.toThrow('a\\x1b[2J does not exist');
  });

  it('of the library only is refused elsewhere', async () => {
    write('heddle.config.mjs', 'export default { onEvent() {} };');
    await expect(read({})).rejects.toThrow('onEvent in heddle.config.mjs cannot be given here');
  });

  it('is read from TypeScript, on every Node', async () => {
    write(
      'heddle.config.ts',
      'enum Ports { Ours = 4000 }\nconst port: number = Ports.Ours;\nexport default { port };\n',
    );
    await expect(read({})).resolves.toMatchObject({ port: 4000 });
  });

  it('is not read from two files at once', async () => {
    write('heddle.config.json', '{}');
    write('heddle.config.mjs', 'export default {};');
    await expect(read({})).rejects.toThrow('heddle.config.mjs and heddle.config.json are both in');
  });

  it.each([
    ['all users can write to the folder', 0o777, 0o644],
    ['all users can write to the folder', 0o1777, 0o644],
    ['all users can write to the file', 0o755, 0o646],
  ])('is not taken from where %s (%o, %o), unless it is named', async (problem, folderMode, fileMode) => {
    write('heddle.config.json', '{ "port": 1 }');
    chmodSync(join(directory, 'heddle.config.json'), fileMode);
    chmodSync(directory, folderMode);
    await expect(read({})).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: `heddle.config.json is not taken from ${directory}: ${problem}. If you trust it, name it: --config heddle.config.json`,
    });
    await expect(read({ flags: { config: 'heddle.config.json' } })).resolves.toMatchObject({ port: 1 });
  });

  it('is taken where a group of the user’s own can write, and not where another can', async () => {
    write('heddle.config.json', '{ "port": 1 }');
    chmodSync(directory, 0o775);
    await expect(read({})).resolves.toMatchObject({ port: 1 });
    const own = process.getegid?.() ?? 0;
    vi.spyOn(process, 'getegid').mockReturnValue(own + 1);
    await expect(read({})).rejects.toThrow(`group ${own} can write to the folder`);
  });

  it('is not taken from another user, but from root', async () => {
    write('heddle.config.json', '{ "port": 1 }');
    const own = process.geteuid?.() ?? 0;
    vi.spyOn(process, 'geteuid').mockReturnValue(own + 1);
    if (own === 0) await expect(read({})).resolves.toMatchObject({ port: 1 });
    else await expect(read({})).rejects.toThrow(`the folder belongs to another user (${own})`);
  });

  it('names a service from the file it is in, or from the working directory', async () => {
    write('heddle.config.json', '{ "service": "services/chat.ts" }');
    await expect(read({})).resolves.toMatchObject({ service: pathToFileURL(join(directory, 'services/chat.ts')) });
    await expect(read({ service: 'x.js' })).resolves.toMatchObject({ service: pathToFileURL(join(directory, 'x.js')) });
  });
});

describe('the environment', () => {
  it('leaves alone what Kubernetes sets beside a service of that name', () => {
    const environment = {
      HEDDLE_PORT: 'tcp://10.0.0.1:12345',
      HEDDLE_SERVICE_HOST: '10.0.0.1',
      HEDDLE_SERVICE_PORT: '12345',
      HEDDLE_SERVICE_PORT_METRICS: '9090',
      HEDDLE_PORT_12345_TCP: 'tcp://10.0.0.1:12345',
      HEDDLE_PORT_12345_TCP_ADDR: '10.0.0.1',
    };
    const others = Object.entries(environment).map(([name, value]) => [
      name.replace('HEDDLE', 'HEDDLE_MAX_WEB'),
      value,
    ]);
    expect(readEnvironment(serveSchema, environment, [])).toEqual({});
    expect(readEnvironment(serveSchema, Object.fromEntries(others), [])).toEqual({});
  });

  it.each([
    ['HEDDLE_WEB_PORT', '80', 'HEDDLE_WEB_PORT is not an option'],
    ['HEDDLE_SERVICE', 'tcp://10.0.0.1:80', 'HEDDLE_SERVICE is not an option'],
    ['HEDDLE_PORT', '//10.0.0.1', 'HEDDLE_PORT must be an integer'],
  ])('takes %s=%s for an option, as Kubernetes sets nothing like it', (name, value, problem) => {
    expect(() => readEnvironment(serveSchema, { [name]: value }, [])).toThrow(problem);
  });

  it('leaves alone the options of another command', () => {
    expect(readEnvironment(serveSchema, { HEDDLE_TIMEOUT: '5s' }, [connectSchema])).toEqual({});
    expect(readEnvironment(connectSchema, { HEDDLE_THREADS: '4', HEDDLE_TIMEOUT: '5s' })).toEqual({ timeout: 5_000 });
  });

  it('takes an empty variable for none', () => {
    expect(readEnvironment(serveSchema, { HEDDLE_PORT: '' }, [])).toEqual({});
  });
});
