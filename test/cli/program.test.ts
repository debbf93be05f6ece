import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { testFolder } from '../support/folder.ts';

let output = '';
let errors = '';
beforeEach(() => {
  output = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((errors += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

describe('the command line', () => {
  it.each([
    [['serve', '--threads', '-1'], '--threads must be a positive integer, got -1\n'],
    [['serve', '--port', 'x'], '--port must be an integer from 0 to 65535, got "x"\n'],
    [['client', '--port', '0'], '--port must be a positive integer, got 0\n'],
    [['serve', '--thread', '2'], "unknown option '--thread'\n(Did you mean --threads?)\n"],
    [
      ['serve', '--deny', 'x', '--deny', '::1'],
      '--deny must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, got "x"\n',
    ],
    [['serve', '--port'], "option '--port <number>' argument missing\n"],
    [
      ['frobnicate'],
      "unknown command 'frobnicate'\n(The commands are serve, client, bench, top, page, clients, kick, doctor, profile, events; see heddle --help)\n",
    ],
    [['sreve'], "unknown command 'sreve'\n(Did you mean serve?)\n"],
  ])('refuses %j with status 2', async (args, message) => {
    expect(await runProgram(args, '1.2.3')).toBe(2);
    expect(errors).toBe(message);
    expect(output).toBe('');
  });

  it.each([
    ['a wrong option', ['doctor', '--frob'], "unknown option '--frob'\n"],
    ['too many arguments', ['doctor', '1', '2'], expect.stringContaining('too many arguments')],
    ['no server', ['doctor', '/nobody/here.sock'], expect.stringContaining('There is no control socket')],
  ])('ends doctor with 3 for %s: 1 and 2 are what it has found', async (_what, args, message) => {
    expect(await runProgram(args, '1.2.3')).toBe(3);
    expect(errors).toEqual(message);
  });

  it('ends doctor with 3 for a fault of its own', async () => {
    // A server whose answer has no shape that the command knows.
    const path = join(testFolder(), 'x.sock');
    const server = createServer((_request, response) => response.end('{}\n')).listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(await runProgram(['doctor', path], '1.2.3')).toBe(3);
    expect(errors).toContain('TypeError');
  });

  it('says its version', async () => {
    expect(await runProgram(['--version'], '1.2.3')).toBe(0);
    expect(output).toBe('1.2.3\n');
  });

  it('has help with every option and its default', async () => {
    expect(await runProgram(['serve', '--help'], '1.2.3')).toBe(0);
    expect(output).toMatch(/--max-message-length <size>\n +how long a message may be \(default: 1MiB\)/);
    expect(output).toMatch(/--threads <n\|min\.\.max>/);
    expect(output).not.toContain('--on-event');
    expect(output).not.toContain('--shared');
  });

  it('has help that fits into 80 columns, with each option of a server in a group', async () => {
    expect(await runProgram(['serve', '--help'], '1.2.3')).toBe(0);
    const serveHelp = output;
    expect(await runProgram(['client', '--help'], '1.2.3')).toBe(0);
    const lines = output.split('\n');
    // A flag with all its values may be longer; its text begins below it.
    expect(lines.filter((line) => line.length > 80 && !/^ {2}--[a-z-]+ <\S+>$/.test(line))).toEqual([]);
    const groups = [...serveHelp.matchAll(/^([A-Z].*):\n/gm)].map(([, heading]) => heading);
    expect(groups.length).toBeGreaterThan(5);
    const [, ungrouped = ''] = /^Options:\n((?: .*\n)+)/m.exec(serveHelp) ?? [];
    expect(ungrouped).toMatch(/^ {2}-h, --help +\S.*\n$/);
  });

  it('has the same help by either way', async () => {
    expect(await runProgram(['serve', '--help'], '1.2.3')).toBe(0);
    const byFlag = output;
    output = '';
    expect(await runProgram(['help', 'serve'], '1.2.3')).toBe(0);
    expect(output).toBe(byFlag);
  });

  it('has help for each command', async () => {
    expect(await runProgram(['--help'], '1.2.3')).toBe(0);
    expect(output).toMatch(/serve .*Run a server\./);
    expect(output).toMatch(/client .*Talk to a server\./);
  });

  it('says that nobody is there with status 1', async () => {
    expect(await runProgram(['client', '--port', '1', '-m', 'x'], '1.2.3')).toBe(1);
    expect(errors).toBe(
      'Cannot connect to 127.0.0.1:1: connection refused. Is the server running? Start it with: heddle serve\n',
    );
  });
});
