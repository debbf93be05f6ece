import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cpuTimeMs, listeningProcess } from '../../src/load/server-process.ts';
import { testFolder } from '../support/folder.ts';

it('finds the process that listens at a port, as long as it does', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = { family: 'IPv4', address: '127.0.0.1', port } as const;
  expect(listeningProcess(address)).toBe(process.pid);
  server.close();
  await once(server, 'close');
  expect(listeningProcess(address)).not.toBe(process.pid);
});

it('finds the process that listens at a Unix socket', async () => {
  const path = join(testFolder(), 'a b.sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  expect(listeningProcess({ family: 'unix', address: path, port: 0 })).toBe(process.pid);
  expect(listeningProcess({ family: 'unix', address: `${path}x`, port: 0 })).toBe(undefined);
  server.close();
  await once(server, 'close');
});

it('reads the CPU time of a process, to a tick of the clock', () => {
  const before = cpuTimeMs(process.pid) ?? NaN;
  const start = process.cpuUsage();
  let used = 0;
  while (used < 60) {
    const { system, user } = process.cpuUsage(start);
    used = (system + user) / 1000;
  }
  // User and system time are rounded each.
  expect(Math.abs((cpuTimeMs(process.pid) ?? NaN) - before - used)).toBeLessThan(45);
  expect(cpuTimeMs(2 ** 30)).toBe(undefined);
});
