import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import { type Running, noMoves, noTakeOver, service, start, TIMEOUT_MS } from './running.ts';

const SWITCHES = service('switches');
const UPLOADS = service('uploads');

/** A message behind its length in two bytes. */
function packet(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

async function takePacket(peer: Peer): Promise<string> {
  const [high = 0, low = 0] = await peer.take(2);
  return (await peer.take((high << 8) | low)).toString();
}

async function askPacket(peer: Peer, text: string): Promise<string> {
  return takePacket(peer.send(packet(text)));
}

/** Clients that speak packets. */
async function inPackets({ port }: Running, count: number): Promise<Peer[]> {
  const peers = await Peer.connectAll(port, count);
  for (const peer of peers) {
    expect(await peer.ask('to packets')).toBe('from lines');
    expect(await askPacket(peer, 'hello')).toBe('packets hello');
  }
  return peers;
}

describe('a framing that changes', () => {
  it('holds from the next message on, wherever the bytes are cut', async () => {
    await using running = await start(SWITCHES);
    const sent = Buffer.concat([
      Buffer.from('a\nto packets\n'),
      packet('b\n'),
      packet('later lines'),
      Buffer.from('c\nto raw\n'),
      Buffer.from('the rest'),
    ]);
    const replies = Buffer.concat([
      Buffer.from('lines a\nfrom lines\n'),
      packet('packets b\n'),
      Buffer.from('lines c\nfrom lines\n'),
    ]);
    for (let cut = 0; cut < sent.length; cut += 3) {
      await using peer = await running.connect();
      peer.send(sent.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      peer.send(sent.subarray(cut)).finish();
      expect((await peer.take(replies.length)).toString()).toBe(replies.toString());
      const chunks = await peer.rest();
      expect(chunks.toString().replaceAll('raw ', '')).toBe('the rest');
    }
  });

  it('that the service does not have is a clear error, and changes nothing, for no other client either', async () => {
    await using running = await start(SWITCHES, { threads: 1 });
    const [neighbour] = (await inPackets(running, 1)) as [Peer];
    await using peer = await running.connect();
    expect(await peer.ask('try nothing')).toBe(
      "HEDDLE_INVALID_OPTION: The service has no framing 'nothing'; client.framing can be 'lines', 'packets', 'raw'",
    );
    expect(await peer.ask('still')).toBe('lines still');
    peer.send('to nothing\n');
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('service-error');
    expect(await askPacket(neighbour, 'still here')).toBe('packets still here');
  });

  it.skipIf(noMoves)('moves with the client: from a blocked thread, at a reload, from a thread that dies', async () => {
    const { gate, open } = makeGate();
    await using running = await start(SWITCHES, { threads: { min: 2, max: 3 }, shared: { gate } });
    const [holder, victim, ...peers] = (await inPackets(running, 10)) as [Peer, Peer, ...Peer[]];
    const half = packet('in two');
    for (const peer of peers) peer.send(half.subarray(0, 4));
    holder.send(packet('hold'));
    for (const peer of peers) expect(await takePacket(peer.send(half.subarray(4)))).toBe('packets in two');
    open();
    expect(await takePacket(holder)).toBe('packets hold');
    await running.server.reload();
    for (const peer of [holder, ...peers]) expect(await askPacket(peer, 'reloaded')).toBe('packets reloaded');
    victim.send(packet('die'));
    await running.seen('thread-exit');
    for (const peer of [holder, ...peers]) expect(await askPacket(peer, 'alive')).toBe('packets alive');
  });

  it.skipIf(noTakeOver)('goes to the process that takes over', async () => {
    const takeOver = join(testFolder(), 'next');
    await using old = await start(SWITCHES, { takeOver });
    const peers = await inPackets(old, 5);
    await using fresh = await start(SWITCHES, { takeOver });
    await old.server.closed;
    for (const peer of peers) expect(await askPacket(peer, 'new')).toBe('packets new');
    expect(fresh.server.stats().takenOver).toBe(5);
  });

  it.skipIf(noMoves)('that new code does not have closes the client, and says why', async () => {
    const module = join(testFolder(), 'service.mjs');
    const write = (framings: string): void =>
      writeFileSync(
        module,
        `export default {
      framings: { ${framings} },
      message(message, client) {
        if (client.framing === 'lines') client.framing = 'packets';
        return message;
      },
    };`,
      );
    write("lines: 'line', packets: { length: 2 }");
    await using running = await start(module);
    await using peer = await running.connect();
    expect(await takePacket(peer.send('a\n'))).toBe('a');
    write("lines: 'line'");
    await running.server.reload();
    // The old thread may answer until the client has moved.
    const answer = (): Promise<string | undefined> => takePacket(peer.send(packet('hello'))).catch(() => undefined);
    while ((await answer()) !== undefined);
    expect(await running.closeOf(peer)).toMatchObject({
      reason: 'service-error',
      detail: expect.stringMatching(/no longer has the framing/),
    });
  });

  it.skipIf(noMoves)('that was asked for by name stays, also where new code begins with another', async () => {
    const module = join(testFolder(), 'service.mjs');
    const write = (framings: string): void =>
      writeFileSync(
        module,
        `export default {
      framings: { ${framings} },
      message(message, client) {
        client.framing = 'lines';
        return message;
      },
    };`,
      );
    write("lines: 'line', packets: { length: 2 }");
    await using running = await start(module);
    await using peer = await running.connect();
    expect(await peer.ask('a')).toBe('a');
    write("packets: { length: 2 }, lines: 'line'");
    await running.server.reload();
    expect(await peer.ask('b')).toBe('b');
  });

  it('is under maxMessageLength, as the first one is', async () => {
    await using running = await start(SWITCHES, { maxMessageLength: 20 });
    const [peer] = (await inPackets(running, 1)) as [Peer];
    peer.send(packet('x'.repeat(21)));
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('message-too-long');
  });
});

describe('a session that reads without a frame', () => {
  it('gets long bodies whole, in pieces, and the line behind them', async () => {
    await using running = await start(UPLOADS, { maxMessageLength: 4096 });
    await using peer = await running.connect();
    const body = Buffer.alloc(3_000_000, 'some bytes or others');
    peer.send(Buffer.concat([Buffer.from(`body ${body.length}\n`), body, Buffer.from('next\n')]));
    expect(await peer.line()).toBe(`${body.length} ${createHash('sha256').update(body).digest('hex')}`);
    expect(await peer.line()).toBe('next');
  });

  it('skips what is left of a body that it leaves', async () => {
    await using running = await start(UPLOADS);
    await using peer = await running.connect();
    peer.send('some 1000000\n').send(Buffer.alloc(1_000_000)).send('next\n');
    expect(await peer.line()).toBe('true');
    expect(await peer.line()).toBe('next');
  });

  it('reads up to a mark, and some bytes, wherever they are cut', async () => {
    await using running = await start(UPLOADS);
    const sent = Buffer.from('until "\\r\\n\\r\\n"\na\rb\r\n\r\nread 1\nxnext\npackets\n');
    for (let cut = 0; cut < sent.length; cut += 4) {
      await using peer = await running.connect();
      peer.send(sent.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      peer.send(sent.subarray(cut));
      expect([await peer.line(), await peer.line(), await peer.line()]).toEqual(['a\rb', 'x', 'next']);
      expect(await takePacket(peer)).toBe('packets');
      peer.send(packet('more'));
      expect(await takePacket(peer)).toBe('more');
    }
  });

  it('closes a client that ends in the middle of a body, and reports no error of the service', async () => {
    await using running = await start(UPLOADS);
    await using peer = await running.connect();
    peer.send('body 100\nonly some').finish();
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({
      reason: 'bad-frame',
      detail: 'the input ended part-way through a body of 100 bytes, 91 before its end',
    });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('says that the server left, where it leaves in the middle of a body', async () => {
    await using running = await start(UPLOADS);
    await using peer = await running.connect();
    peer.send('first\n');
    expect(await peer.line()).toBe('first');
    peer.send('body 100\nonly some');
    await vi.waitUntil(() => running.server.stats().receivedBytes === 24, { timeout: TIMEOUT_MS }); // The body has begun.
    await running.server.drain();
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({
      reason: 'shutdown',
      detail: 'the server left part-way through a body of 100 bytes, 91 before its end',
    });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('closes a client whose body stalls, or whose mark does not come, after messageTimeout', async () => {
    await using running = await start(UPLOADS, { messageTimeout: 200 });
    for (const begin of ['body 100\nhalf', 'body 100\n', 'some 100\nhalf', 'until "END"\nnot y']) {
      await using peer = await running.connect();
      peer.send(begin);
      await peer.over();
      expect((await running.closeOf(peer)).reason).toBe('message-timeout');
    }
  });

  it('closes a client whose next line is too long, and has come with the one before', async () => {
    await using running = await start(UPLOADS, { maxMessageLength: 100 });
    await using peer = await running.connect();
    peer.send(`first\n${'x'.repeat(200)}`);
    expect(await peer.line()).toBe('first');
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('message-too-long');
  });

  it('closes a client whose mark is further than maxMessageLength', async () => {
    await using running = await start(UPLOADS, { maxMessageLength: 100 });
    await using peer = await running.connect();
    peer.send(`until "END"\n${'x'.repeat(200)}`);
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('message-too-long');
  });

  it('sends pieces as they are, as fast as the client takes them', async () => {
    await using running = await start(UPLOADS);
    await using peer = await running.connect();
    peer.send('send 5000000\nnext\n');
    const sent = await peer.take(5_000_000);
    expect(sent.equals(Buffer.concat(Array.from({ length: 100 }, () => Buffer.alloc(50_000, 'abcdefg'))))).toBe(true);
    expect(await peer.line()).toBe('next');
  });
});
