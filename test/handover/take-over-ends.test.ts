import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/handover/client-record.ts';
import { HandoverChannel, MAX_PACKET_BYTES, type Received } from '../../src/handover/channel.ts';
import { decodePacket, decodeWelcome, encodePacket, encodeWelcome, type Packet } from '../../src/handover/packets.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import { testFolder } from '../support/folder.ts';
import { listenOn, newPeer, pair, succeeded, sys } from '../support/loopback.ts';
import { dialPackets, packetPair, packetSocket } from '../support/packet-pair.ts';
import { balanceOf, generation } from '../server/generations.ts';
import { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, noTakeOver, descriptorsBack, openDescriptors } from '../server/running.ts';
import { RECORD } from './record.ts';

/** The other process, played by the test: it says what it is told, and ends when it is told. */
class Other {
  readonly link: HandoverChannel;
  readonly #fds: number[] = [];
  #isOver = false;

  constructor(fd: number) {
    this.link = new HandoverChannel(sys, fd);
    onTestFinished(() => this.end());
  }

  say(packet: Packet): void {
    succeeded(this.link.send(encodePacket(packet)));
  }

  /** The next packet, valid until the one after it; `over`: the server has ended the talk. */
  hear(): Promise<Received | 'over'> {
    const look = (): Received | 'over' => {
      const received = this.link.receive();
      if (received === 'none') throw new Error('it says nothing');
      if (received !== 'over') this.#fds.push(...received.fds);
      return received;
    };
    return vi.waitFor(look, { timeout: TIMEOUT_MS, interval: 1 });
  }

  /** The next packet, which must be of `kind`. */
  async hasSaid(kind: Packet['kind']): Promise<Packet> {
    const received = await this.hear();
    const packet = received === 'over' ? undefined : decodePacket(received.bytes);
    if (packet?.kind !== kind) throw new Error(`it says ${packet?.kind ?? 'nothing known'}, and not ${kind}`);
    return packet;
  }

  /** As a process that ends: all that it has open is closed. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.link.close();
    for (const fd of this.#fds) sys.close(fd);
  }
}

/** A process that takes over at `path`, as far as the test lets it. */
async function successor(path: string): Promise<Other> {
  const other = new Other(dialPackets(path));
  const welcome = await other.hear();
  expect(welcome === 'over' ? welcome : decodeWelcome(welcome.bytes)).toMatchObject({ pid: process.pid, tls: false });
  return other;
}

/** Clients that have had an answer, in the order of their numbers. */
async function settledPeers(port: number, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  while (peers.length < count) peers.push(await Peer.connect(port));
  for (const peer of peers) expect(await peer.ask('hello')).toMatch(/^old \d+ hello$/);
  return peers;
}

/** The longest packets that a link takes behind a client's record, while nobody reads. */
function packetsThatFit(): number {
  const { here } = packetPair();
  const link = new HandoverChannel(sys, here);
  const packet = Buffer.alloc(MAX_PACKET_BYTES);
  let count = 0;
  for (let bytes = encodeRecord(RECORD); link.send(bytes) >= 0; bytes = packet) count++;
  return count - 1;
}

describe.skipIf(noTakeOver)('when the link is full', () => {
  it('the clients that are left are asked for once there is room in it', async () => {
    const at = join(testFolder(), 'next');
    const options = { maxMessageLength: '16MiB' } as const;
    await using old = await generation('old', at, options);
    const [first] = (await settledPeers(old.port, 2)) as [Peer];
    const received = 2 * 'hello\n'.length;
    const half = packetsThatFit() * MAX_PACKET_BYTES;
    first.send(Buffer.alloc(half, 'h'));
    await vi.waitFor(() => expect(old.server.stats().receivedBytes).toBe(received + half), { timeout: TIMEOUT_MS });
    const other = await successor(at);
    other.say({ kind: 'ready' });
    await other.hasSaid('start');
    expect(await other.hasSaid('ask')).toMatchObject({ count: 2 });
    other.say({ kind: 'room', count: 1 });
    await vi.waitFor(() => expect(sys.unread(other.link.fd)).toBeGreaterThan(half), { timeout: TIMEOUT_MS });
    const record = (await other.hear()) as Received;
    expect(decodeRecord(record.bytes)).toMatchObject({ id: 1, inbox: half });
    for (let taken = 0; taken < half; taken += MAX_PACKET_BYTES) await other.hear();
    other.say({ kind: 'answer', taken: true });
    expect(await other.hasSaid('ask')).toMatchObject({ count: 1 });
  });
});

describe.skipIf(noTakeOver)('when the new process ends', () => {
  it('before its threads serve, nothing has changed', async () => {
    const at = join(testFolder(), 'next');
    await using old = await generation('old', at);
    const peers = await settledPeers(old.port, 3);
    for (let times = 0; times < 3; times++) {
      const other = await successor(at);
      other.end();
    }
    for (const peer of peers) expect(await peer.ask('again')).toMatch(/^old \d+ again$/);
    expect(await settledPeers(old.port, 1)).toHaveLength(1);
    expect(await old.all('handing-over')).toEqual([]);
  });

  it('half-way, it takes with it whom it has taken; all others stay, the door is open, and the next can take over', async () => {
    const at = join(testFolder(), 'next');
    await using old = await generation('old', at);
    const peers = await settledPeers(old.port, 10);
    for (const peer of peers) peer.send('half a ');
    await vi.waitFor(() => expect(old.server.stats().receivedBytes).toBe(130), { timeout: TIMEOUT_MS });
    const other = await successor(at);
    other.say({ kind: 'ready' });
    await other.hasSaid('start');
    expect(await other.hasSaid('ask')).toMatchObject({ count: 10 });
    other.say({ kind: 'room', count: 4 });
    const ids: number[] = [];
    for (let count = 0; count < 4; count++) {
      const record = (await other.hear()) as Received;
      ids.push(decodeRecord(record.bytes)?.id ?? 0);
      expect(String(((await other.hear()) as Received).bytes)).toBe('half a ');
    }
    expect(old.server.stats()).toMatchObject({ clients: 10, handedOver: 0 });
    other.say({ kind: 'answer', taken: true });
    other.say({ kind: 'answer', taken: false });
    other.end();
    await old.seen('hand-over-failed');
    const [taken] = ids;
    expect(old.server.stats()).toMatchObject({ clients: 9, handedOver: 1 });
    const others = peers.filter((_, index) => index + 1 !== taken);
    for (const peer of others) expect(await peer.ask('line')).toMatch(/^old \d+ half a line$/);
    await peers[(taken as number) - 1]?.over();
    expect(await settledPeers(old.port, 1)).toHaveLength(1);
    await using fresh = await generation('new', at);
    await old.server.closed;
    await fresh.seen('taken-over');
    for (const peer of others) expect(await peer.ask('line')).toMatch(/^new \d+ line$/);
    expect([fresh.server.stats().takenOver, balanceOf(old.server)]).toEqual([10, { came: 11, went: 11 }]);
  });

  it('in the middle of a client that has much to bring, that client loses nothing', async () => {
    const at = join(testFolder(), 'next');
    await using old = await generation('old', at);
    const [peer] = (await settledPeers(old.port, 1)) as [Peer];
    const half = 'h'.repeat(900_000);
    peer.send(half);
    await vi.waitFor(() => expect(old.server.stats().receivedBytes).toBe(900_006), { timeout: TIMEOUT_MS });
    const other = await successor(at);
    other.say({ kind: 'ready' });
    await other.hasSaid('start');
    await other.hasSaid('ask');
    other.say({ kind: 'room', count: 1 });
    await other.hear();
    await other.hear();
    other.end();
    await old.seen('hand-over-failed');
    expect(await peer.ask('!')).toBe(`old 1 ${half}!`);
  });

  it('that says what makes no sense is let go', async () => {
    const at = join(testFolder(), 'next');
    await using old = await generation('old', at);
    const [peer] = (await settledPeers(old.port, 1)) as [Peer];
    const other = await successor(at);
    other.link.send(Buffer.from('GET / HTTP/1.1'));
    expect(await other.hear()).toBe('over');
    expect(await peer.ask('again')).toBe('old 1 again');
  });
});

describe.skipIf(noTakeOver)('when the old server leaves while a new process starts', () => {
  it('the new one has its sockets all the same', async () => {
    const at = join(testFolder(), 'next');
    await using old = await generation('old', at);
    const other = await successor(at);
    const drained = old.server.drain();
    await other.hasSaid('start');
    await drained;
    expect(await other.hear()).toBe('over');
    // Nobody accepts yet, and nobody is refused.
    const waiting = await Peer.connect(old.port);
    await waiting.leave();
    expect(await old.all('handed-over')).toMatchObject([{ clients: 0 }]);
  });
});

/** A server that is to be taken over, played by the test: it listens on a free port and at a path, and welcomes who comes. */
function predecessor(welcome = encodeWelcome({ pid: 4711, tls: false, shared: [false] })): {
  readonly at: string;
  readonly port: number;
  come(): Promise<Other>;
  close(): void;
} {
  const at = join(testFolder(), 'next');
  const [control, listener] = [packetSocket(), listenOn()];
  succeeded(sys.bind(control, { family: 'unix', address: at, port: 0 }));
  succeeded(sys.listen(control, 1));
  const close = (): void => {
    for (const fd of [control, listener.fd]) sys.close(fd);
  };
  const accept = (): number => {
    const fd = sys.accept(control, newPeer());
    if (fd === EAGAIN) throw new Error('nobody has come');
    return succeeded(fd);
  };
  const come = async (): Promise<Other> => {
    const other = new Other(await vi.waitFor(accept, { timeout: TIMEOUT_MS, interval: 1 }));
    if (welcome.length > 0) succeeded(other.link.send(welcome, [listener.fd, control]));
    return other;
  };
  return { at, port: listener.port, come, close };
}

describe.skipIf(noTakeOver)('when the old process ends', () => {
  it('before it has answered, the new one accepts', async () => {
    const old = predecessor();
    const starting = generation('new', old.at);
    const other = await old.come();
    await other.hasSaid('ready');
    other.end();
    old.close();
    await using fresh = await starting;
    await using peer = await Peer.connect(old.port);
    expect(await peer.ask('hello')).toBe('new 1 hello');
    expect(await fresh.all('taken-over')).toMatchObject([{ predecessor: 4711, clients: 0 }]);
  });

  it('in the middle of a client, that one is lost and nobody else; what was sent whole is served', async () => {
    const old = predecessor();
    const before = openDescriptors();
    const starting = generation('new', old.at);
    const other = await old.come();
    await other.hasSaid('ready');
    other.say({ kind: 'start', accepted: 41 });
    other.say({ kind: 'ask', count: 2 });
    expect(await other.hasSaid('room')).toMatchObject({ count: 2 });
    const [whole, half] = [await pair(), await pair()];
    const record = { ...RECORD, inbox: 4 };
    for (const { fd } of [whole, half]) {
      succeeded(other.link.send(encodeRecord({ ...record, id: fd }), [fd]));
      succeeded(other.link.send(Buffer.from(fd === whole.fd ? 'half' : 'ha')));
    }
    const fresh = await starting;
    other.end();
    await fresh.seen('taken-over');
    expect(fresh.server.stats()).toMatchObject({ takenOver: 1, clients: 1 });
    const peer = new Peer(whole.client);
    expect(await peer.ask(' a line')).toBe(`new ${whole.fd} half a line`);
    await using next = await Peer.connect(old.port);
    expect(await next.ask('hello')).toBe('new 42 hello');
    await next.leave();
    await fresh.server.close();
    old.close();
    await descriptorsBack(before + 2);
  });

  it('a client that did not come through is not answered for, and the next one is taken', async () => {
    const old = predecessor();
    const starting = generation('new', old.at);
    const other = await old.come();
    await other.hasSaid('ready');
    other.say({ kind: 'start', accepted: 0 });
    other.say({ kind: 'ask', count: 2 });
    expect(await other.hasSaid('room')).toMatchObject({ count: 2 });
    const { fd, client } = await pair();
    const record = { ...RECORD, inbox: 3 };
    for (const fds of [[], [fd]]) {
      succeeded(other.link.send(encodeRecord(record), fds));
      succeeded(other.link.send(Buffer.from('abc')));
    }
    expect(await other.hasSaid('answer')).toMatchObject({ taken: false });
    expect(await other.hasSaid('answer')).toMatchObject({ taken: true });
    await using fresh = await starting;
    expect(await new Peer(client).ask('d')).toBe('new 7 abcd');
    expect(fresh.server.stats()).toMatchObject({ takenOver: 1, clients: 1 });
    old.close();
  });

  it('is of another version, the new one does not start, and says so', async () => {
    const old = predecessor(Buffer.from('heddle take-over 5\nin words that nobody knows yet'));
    const starting = generation('new', old.at);
    const [other] = await Promise.all([
      old.come(),
      expect(starting).rejects.toThrow(/hands over in version 5, this one takes over in version 4\. Stop it first$/),
    ]);
    expect(await other.hear()).toBe('over');
    old.close();
  });

  it('does not let the new one in, that says so', async () => {
    const old = predecessor(Buffer.alloc(0));
    const starting = generation('new', old.at);
    const refusing = old.come().then((other) => other.end());
    await expect(starting).rejects.toThrow(/the server there refused\. It lets in only its own user, and root$/);
    await refusing;
    old.close();
  });
});
