import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EAGAIN, EPIPE } from '../../../src/sys/errno.ts';
import { MOST_FDS_SENT } from '../../../src/sys/sys.ts';
import { owned, pair, succeeded, sys } from '../../support/loopback.ts';
import { packetPair } from '../../support/packet-pair.ts';

const memory = sys.allocate(4096);
const openFds = () => readdirSync('/proc/self/fd').length;

function take(fd: number): { text: string; fds: number[] } {
  const fds = [7, 7];
  const length = succeeded(sys.receiveMessage(fd, memory, 0, memory.size, fds));
  return { text: memory.bytes.toString('latin1', 0, length), fds };
}

function give(fd: number, text: string, fds: readonly number[]): number {
  memory.bytes.write(text, 100, 'latin1');
  return sys.sendMessage(fd, memory, 100, text.length, fds);
}

describe('sendMessage and receiveMessage', () => {
  it('hand over a connection: what is sent through the copy arrives at its other end', async () => {
    const { here, there } = packetPair();
    const { fd, client } = await pair();
    expect(give(here, 'a client', [fd])).toBe(8);
    const { text, fds } = take(there);
    expect([text, fds.length]).toEqual(['a client', 1]);
    const copy = owned(fds[0] as number);
    expect(copy).not.toBe(fd);
    memory.bytes.write('hello');
    sys.send(copy, memory, 0, 5);
    expect(String((await once(client, 'data'))[0])).toBe('hello');
    const info = readFileSync(`/proc/self/fdinfo/${copy}`, 'utf8');
    expect(Number.parseInt(/flags:\s+(\d+)/.exec(info)?.[1] ?? '', 8) & 0o2000000).toBe(0o2000000);
  });

  it('keep packets apart, with fds and without', () => {
    const { here, there } = packetPair();
    const event = owned(sys.eventfd());
    for (const [text, fds] of [
      ['one', []],
      ['two', [event, event]],
      ['three', []],
    ] as const)
      give(here, text, fds);
    const packets = [take(there), take(there), take(there)];
    expect(packets.map(({ text, fds }) => [text, fds.length])).toEqual([
      ['one', 0],
      ['two', 2],
      ['three', 0],
    ]);
    for (const { fds } of packets) for (const fd of fds) owned(fd);
  });

  it('carry as many fds as the kernel allows, and refuse one more', () => {
    const { here, there } = packetPair();
    const event = owned(sys.eventfd());
    const most = Array<number>(MOST_FDS_SENT).fill(event);
    expect(give(here, 'all', most)).toBe(3);
    const { fds } = take(there);
    expect(new Set(fds).size).toBe(MOST_FDS_SENT);
    for (const fd of fds) expect(sys.close(fd)).toBe(0);
    expect(() => give(here, 'one more', [...most, event])).toThrow(RangeError);
  });

  it('leave nothing open', () => {
    const { here, there } = packetPair();
    const event = owned(sys.eventfd());
    const before = openFds();
    for (let round = 0; round < 10_000; round++) {
      give(here, 'x', [event]);
      for (const fd of take(there).fds) sys.close(fd);
    }
    expect(openFds()).toBe(before);
  });

  it('answer with the errno: nothing there, nobody there, an fd that is none', () => {
    const { here, there, close } = packetPair();
    expect(sys.receiveMessage(here, memory, 0, 10, [])).toBe(EAGAIN);
    expect(give(here, 'x', [1 << 20])).toBeLessThan(0);
    close(there);
    expect(sys.receiveMessage(here, memory, 0, 10, [])).toBe(0);
    expect(give(here, 'x', [])).toBe(EPIPE);
  });

  it('refuse what could harm memory before it crosses', () => {
    const { here } = packetPair();
    const { size } = memory;
    const bad = [
      () => sys.sendMessage(here, memory, 0, size + 1, []),
      () => sys.sendMessage(here, memory, -1, 1, []),
      () => sys.sendMessage(here, memory, 0, 0, [here]),
      () => sys.sendMessage(here, memory, 0, 1, [1.5]),
      () => sys.sendMessage(1.5, memory, 0, 1, []),
      () => sys.receiveMessage(here, memory, size, 1, []),
      () => sys.receiveMessage(here, memory, 0, -1, []),
      () => sys.receiveMessage(-1, memory, 0, 1, []),
    ];
    for (const call of bad) expect(call).toThrow(RangeError);
  });
});

describe('peerCredentials', () => {
  it('tells the process and the user at the other end', () => {
    const { here, there } = packetPair();
    const own = { pid: process.pid, uid: process.getuid?.() };
    expect([sys.peerCredentials(here), sys.peerCredentials(there)]).toEqual([own, own]);
  });

  it('answers with the errno for what is no socket', () => {
    expect(sys.peerCredentials(owned(sys.eventfd()))).toBeLessThan(0);
  });
});
