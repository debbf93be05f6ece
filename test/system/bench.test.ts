import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { Certificates } from './certificates.ts';
import { HEDDLE, run, Running, startHeddle } from './processes.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());

const bench = (...args: readonly string[]) =>
  run(process.execPath, [HEDDLE, 'bench', '--late', '1h', '--warm', '200ms', '--duration', '1s', ...args]);

const CLEAN = /^asked \d+\/s   answered \d+\/s   wrong 0   lost 0   closed 0$/m;

describe('heddle bench', () => {
  it('checks the replies of a server under TLS', async () => {
    const authority = certificates.authority('authority');
    const { cert, key } = certificates.issue('server', authority);
    await using server = await startHeddle('--tls-cert', cert, '--tls-key', key);
    const args = [`:${server.port}`, '--rate', '300', '--clients', '8', '--churn', '5'];
    const trusting = await bench(...args, '--tls-ca', authority.cert);
    expect([trusting.status, trusting.stderr]).toEqual([0, '']);
    expect(trusting.stdout).toMatch(CLEAN);
    const distrusting = await bench(...args, '--tls');
    expect([distrusting.status, distrusting.stderr]).toEqual([
      1,
      expect.stringContaining('not signed by an authority'),
    ]);
  });

  it('speaks through a Unix socket, from several threads, with large messages', async () => {
    const path = join(testFolder(), 'server.sock');
    await using server = new Running(process.execPath, [HEDDLE, 'serve', '--unix', path, '--framing', 'length']);
    await server.shows(/^Server running on /m);
    const sizes = ['--framing', 'length', '--size', '200KiB', '--generators', '2', '--clients', '5'];
    const { status, stderr, stdout } = await bench(`unix:${path}`, '--rate', '100', ...sizes);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(CLEAN);
  });
});
