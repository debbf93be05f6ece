import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { connect, type HeddleError, serve } from 'heddle';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { testFolder } from '../support/folder.ts';
import { quietPort } from '../support/quiet-port.ts';
import { Peer } from '../server/peer.ts';
import { ENGINE, noUnix, descriptorsBack, openDescriptors, type Running, service, start } from '../server/running.ts';

const ELSEWHERE = { host: undefined, port: undefined };

const startAt = (listen: ServeOptions['listen'], options: ServeOptions = {}): Promise<Running> =>
  start(service('commands'), { ...ELSEWHERE, listen, ...options });

/** A port that a server of the test's own has. */
async function takenPort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function refusal(listen: string[]): Promise<HeddleError> {
  return serve({ threads: 1, engine: ENGINE, listen }).then(
    (server) => server.close().then(() => Promise.reject(new Error('it started'))),
    (error: HeddleError) => error,
  );
}

/** A link-local address of this machine, and its interface. */
function linkLocal(): [zone: string, address: string] | undefined {
  for (const [zone, addresses = []] of Object.entries(networkInterfaces()))
    for (const { address, scopeid = 0 } of addresses as { address: string; scopeid?: number }[])
      if (scopeid !== 0) return [zone, address];
  return undefined;
}

async function answer(port: number, host: string): Promise<string> {
  await using connection = await connect({ port, host, framing: 'line' });
  return String(await connection.request('echo here'));
}

describe('a server that listens in several places', () => {
  it.skipIf(noUnix)('serves clients of each, and names them all, those of TCP first', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt([`unix:${unix}`, '127.0.0.1:0', '[::1]:0', '127.0.0.1:0']);
    const { server } = running;
    const ports = server.addresses.map(({ port }) => port);
    expect(server.addresses).toEqual([
      { family: 'IPv4', host: '127.0.0.1', port: expect.any(Number) },
      { family: 'IPv6', host: '::1', port: expect.any(Number) },
      { family: 'IPv4', host: '127.0.0.1', port: expect.any(Number) },
      { family: 'unix', path: unix, host: 'unix', port: 0 },
    ]);
    expect(server.address).toBe(server.addresses[0]);
    expect(new Set(ports).size).toBe(4);
    for (const { host, port } of server.addresses.slice(0, 3)) expect(await answer(port, host)).toBe('here');
    await using local = await Peer.connectUnix(unix);
    expect(await local.ask('who')).toBe('unix 0');
    await running.seen('open', 4);
  });

  it('has the same port of IPv4 and of IPv6 side by side, of one address or of all', async () => {
    for (const [v4, v6] of [
      ['127.0.0.1', '::1'],
      ['0.0.0.0', '::'],
    ] as const) {
      const port = await quietPort();
      await using running = await startAt(`${v4}:${port},[${v6}]:${port}`);
      expect(running.server.addresses).toEqual([
        { family: 'IPv4', host: v4, port },
        { family: 'IPv6', host: v6, port },
      ]);
      expect([await answer(port, '127.0.0.1'), await answer(port, '::1')]).toEqual(['here', 'here']);
    }
  });

  it('has all addresses of a name, with one port', async () => {
    await using running = await start(service('commands'), { host: 'localhost' });
    const { addresses } = running.server;
    const found = await lookup('localhost', { all: true });
    expect(new Set(addresses.map(({ host }) => host))).toEqual(new Set(found.map(({ address }) => address)));
    expect(new Set(addresses.map(({ port }) => port)).size).toBe(1);
    for (const { host, port } of addresses) expect(await answer(port, host)).toBe('here');
  });

  it('takes an IPv4 address that is written as IPv6', async () => {
    await using running = await start(service('commands'), { host: '::ffff:127.0.0.1' });
    expect(running.server.address).toMatchObject({ family: 'IPv4', host: '127.0.0.1' });
    expect(await answer(running.port, '127.0.0.1')).toBe('here');
  });

  const [zone, address] = linkLocal() ?? [];
  it.skipIf(zone === undefined)('listens on a link-local address, which has a zone', async () => {
    const host = `${address}%${zone}`;
    await using running = await start(service('commands'), { host });
    expect(running.server.address).toMatchObject({ family: 'IPv6', host });
    expect(await answer(running.port, host)).toBe('here');
  });

  it('has both families where no host is said', async () => {
    await using running = await startAt(':0');
    expect(await answer(running.port, '127.0.0.1')).toBe('here');
    expect(await answer(running.port, '::1')).toBe('here');
  });

  it.skipIf(noUnix)('closes all of them when it ends, and takes away their files', async () => {
    const before = openDescriptors();
    const unix = join(testFolder(), 'a.sock');
    const running = await startAt(['127.0.0.1:0', '[::1]:0', `unix:${unix}`]);
    const ports = running.server.addresses.slice(0, 2);
    await running.server.drain();
    for (const { port, host } of ports)
      await expect(answer(port, host)).rejects.toMatchObject({ code: 'HEDDLE_CONNECT' });
    expect(existsSync(unix)).toBe(false);
    await descriptorsBack(before);
  });
});

describe('a server that cannot listen in one of its places', () => {
  it.skipIf(noUnix)('says which, why and what to do, and leaves none of the others open', async () => {
    const folder = testFolder();
    const [one, two] = [join(folder, 'one.sock'), join(folder, 'two.sock')];
    const port = await takenPort('127.0.0.1');
    const before = openDescriptors();
    const error = await refusal([`unix:${one}`, '[::1]:0', `127.0.0.1:${port}`, `unix:${two}`]);
    expect(error).toMatchObject({
      code: 'HEDDLE_LISTEN',
      errno: 'EADDRINUSE',
      syscall: 'bind',
      message: `Cannot listen on 127.0.0.1:${port}: the port is in use. Stop the server that has it (to find it: ss -ltnp), or choose another port with options.listen (0 takes any free one)`,
    });
    expect([existsSync(one), existsSync(two)]).toEqual([false, false]);
    await descriptorsBack(before);
  });

  const noAddress =
    /^Cannot listen on \[2001:db8::1\]:0: this machine has no such address\. Write no more than :PORT in options.listen to listen on all of them$/;
  const noFolder =
    /^Cannot listen on unix:\/there\/is\/no\/such\.sock: there is no such folder\. Make it, or choose another path with options.listen$/;
  const noUnixSocket = /^Cannot listen on unix:\/there\/is\/no\/such\.sock: the net engine has no Unix sockets/;

  it.each([
    ['[2001:db8::1]:0', noAddress],
    ['unix:/there/is/no/such.sock', noUnix ? noUnixSocket : noFolder],
  ])('so it does of %s', async (place, message) => {
    const before = openDescriptors();
    expect((await refusal(['127.0.0.1:0', place])).message).toMatch(message);
    await descriptorsBack(before);
  });

  it('names [::] as it was given, which is IPv6 only', async () => {
    const port = await takenPort('::1');
    const error = await refusal([`[::]:${port}`]);
    expect(error.message).toContain(`Cannot listen on [::]:${port}: the port is in use`);
  });
});
