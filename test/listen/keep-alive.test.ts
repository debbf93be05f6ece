import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { setKeepAlive } from '../../src/listen/keep-alive.ts';
import * as abi from '../../src/sys/constants.ts';
import { dial, listenOn, newPeer, owned, readable, sys } from '../support/loopback.ts';
import type { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, service, start } from '../server/running.ts';

/** What a client has that was accepted from a listener with `options`: on, idle, interval, count, user timeout. */
async function inherited(options: { keepAlive: number; sendTimeout: number }): Promise<number[]> {
  const { fd, port } = listenOn();
  owned(fd);
  setKeepAlive(sys, fd, options);
  await dial(port);
  await readable(fd);
  const client = owned(sys.accept(fd, newPeer()));
  const ofTcp = [abi.TCP_KEEPIDLE, abi.TCP_KEEPINTVL, abi.TCP_KEEPCNT, abi.TCP_USER_TIMEOUT];
  const values = ofTcp.map((option) => sys.getsockopt(client, abi.IPPROTO_TCP, option));
  return [sys.getsockopt(client, abi.SOL_SOCKET, abi.SO_KEEPALIVE), ...values];
}

/** The kind of timer that the kernel runs for the server's side of `peer` (proc(5), /proc/net/tcp, `tr`); 2 is keepalive. */
function timerOf(peer: Peer, port: number): number {
  const hex = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0');
  const line = new RegExp(`0100007F:${hex(port)} 0100007F:${hex(peer.localPort)} \\S+ \\S+ (\\d\\d):`);
  return Number(line.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1]);
}

describe('keepAlive', () => {
  it('is inherited by clients from the listener', async () => {
    expect(await inherited({ keepAlive: 60_000, sendTimeout: 30_000 })).toEqual([1, 60, 15, 4, 120_000]);
  });

  it('lets a client that reads nothing be until sendTimeout is over', async () => {
    expect(await inherited({ keepAlive: 2_000, sendTimeout: 30_000 })).toEqual([1, 2, 1, 4, 32_000]);
    expect((await inherited({ keepAlive: 2_000, sendTimeout: Infinity })).at(-1)).toBe(0);
  });

  it('is off with never', async () => {
    expect((await inherited({ keepAlive: Infinity, sendTimeout: 30_000 }))[0]).toBe(0);
  });

  it.each([
    ['on where nothing is said', {}, 2],
    ['off with never', { keepAlive: 'never' } as const, 0],
  ])('of a server is %s', async (_name, options, timer) => {
    const running = await start(service('echo'), { framing: 'line', ...options });
    onTestFinished(() => running.server.close());
    const peer = await running.connect();
    onTestFinished(() => peer.leave());
    await peer.ask('hello');
    await vi.waitFor(() => expect(timerOf(peer, running.port)).toBe(timer), { timeout: TIMEOUT_MS, interval: 10 });
  });
});
