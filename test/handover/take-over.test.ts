import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { balanceOf, generation } from '../server/generations.ts';
import { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, noTakeOver, descriptorsBack, openDescriptors, service, start } from '../server/running.ts';

const path = () => join(testFolder(), 'next');

/** Waits, within the test's own time, until `check` holds. */
function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 5 });
}

describe.skipIf(noTakeOver)('a server that takes over', () => {
  it('has the idle clients: they keep their connection and their number, and are greeted no second time', async () => {
    const at = path();
    await using old = await generation('old', at);
    const peers = await Peer.connectAll(old.port, 20);
    for (const peer of peers) expect(await peer.ask('hello')).toMatch(/^old \d+ hello$/);
    const answers = await Promise.all(peers.map((peer) => peer.ask('again')));
    await using fresh = await generation('new', at);
    await old.server.closed;
    expect(fresh.server.addresses).toEqual(old.server.addresses);
    const later = await Promise.all(peers.map((peer) => peer.ask('again')));
    expect(later).toEqual(answers.map((answer) => answer.replace('old', 'new')));
    const next = await Peer.connect(fresh.port);
    expect(await next.ask('hello')).toBe('new 21 hello');
    for (const peer of [...peers, next]) await peer.leave();
    await fresh.seen('close', 21);
    await eventually(() => expect(fresh.closed.value).toBe(21));
    expect([old.opened.value, old.closed.value, fresh.opened.value]).toEqual([20, 0, 1]);
    expect([(await old.all('open')).length, (await old.all('close')).length, (await fresh.all('open')).length]).toEqual(
      [20, 0, 1],
    );
    expect(await old.all('handing-over')).toMatchObject([{ successor: process.pid }]);
    expect(await old.all('handed-over')).toMatchObject([{ successor: process.pid, clients: 20 }]);
    expect(await fresh.all('taken-over')).toMatchObject([{ predecessor: process.pid, clients: 20 }]);
    expect([old.server.stats(), fresh.server.stats()]).toMatchObject([
      { accepted: 20, handedOver: 20, clients: 0 },
      { accepted: 1, takenOver: 20, clients: 0 },
    ]);
    for (const { server } of [old, fresh]) expect(balanceOf(server).came).toBe(balanceOf(server).went);
  });

  it('reads the other half of a line, wherever it was cut', async () => {
    const at = path();
    await using old = await generation('old', at);
    const line = 'a line that comes in two pieces';
    const peers = await Peer.connectAll(old.port, line.length);
    for (const peer of peers) await peer.ask('hello');
    peers.forEach((peer, cut) => peer.send(line.slice(0, cut)));
    const received = peers.length * 'hello\n'.length + (line.length * (line.length - 1)) / 2;
    await eventually(() => expect(old.server.stats().receivedBytes).toBe(received));
    await using fresh = await generation('new', at);
    await old.server.closed;
    const answers = peers.map((peer, cut) => peer.send(`${line.slice(cut)}\n`).line());
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(new RegExp(`^new \\d+ ${line}$`));
    expect(fresh.server.stats().messages).toBe(peers.length);
  });

  it('goes on with long lines and long replies: every byte arrives', async () => {
    const at = path();
    const options = { maxUnsent: '16MiB', maxMessageLength: '16MiB' } as const;
    const size = 12_000_000;
    await using old = await generation('old', at, options);
    await using reader = await Peer.connect(old.port);
    await using writer = await Peer.connect(old.port);
    reader.socket.pause();
    reader.send(`big ${size}\n`);
    writer.send(Buffer.alloc(3_000_000, 'w'));
    await eventually(() => expect(old.server.stats()).toMatchObject({ messages: 1 }));
    await eventually(() => expect(old.server.stats().receivedBytes).toBeGreaterThan(3_000_000));
    await using fresh = await generation('new', at, options);
    await old.server.closed;
    // The old one may have ended before the new one has counted the last client.
    await fresh.seen('taken-over');
    expect(fresh.server.stats()).toMatchObject({ takenOver: 2, clients: 2 });
    reader.socket.resume();
    const reply = await reader.take(size + 1);
    expect(reply.equals(Buffer.concat([Buffer.alloc(size, 'abcdefg'), Buffer.from('\n')]))).toBe(true);
    expect(await reader.ask('hello')).toBe('new 1 hello');
    expect(await writer.ask('end')).toBe(`new 2 ${'w'.repeat(3_000_000)}end`);
    const sent = (): number => old.server.stats().sentBytes + fresh.server.stats().sentBytes;
    // A thread counts what it has sent when the client may have it already.
    await eventually(() => expect(sent()).toBeGreaterThan(size + 3_000_000));
  });

  it('has a client whose handler runs once that has answered, and anyone else before', async () => {
    const at = path();
    await using old = await generation('old', at);
    await using waiting = await Peer.connect(old.port);
    await using other = await Peer.connect(old.port);
    await other.ask('hello');
    waiting.send('later\n');
    await eventually(() => expect(old.server.stats().receivedBytes).toBe('hello\nlater\n'.length));
    await using fresh = await generation('new', at);
    await eventually(() => expect(fresh.server.stats().takenOver).toBe(1));
    expect(await other.ask('hello')).toBe('new 2 hello');
    old.letGo();
    expect(await waiting.line()).toBe('old 1 later');
    await old.server.closed;
    expect(await waiting.ask('hello')).toBe('new 1 hello');
  });

  it('leaves sessions to the old one, which goes on with them for half of its time to leave, then ends them well', async () => {
    const at = path();
    await using old = await start(service('sessions'), { takeOver: at, shutdownTimeout: 6000 });
    await using short = await old.connect();
    await using long = await old.connect();
    for (const peer of [short, long]) peer.send('slow\n1\n');
    expect([await short.line(), await long.line()]).toEqual(['1', '1']);
    await using fresh = await start(service('sessions'), { takeOver: at });
    expect(await short.ask('2')).toBe('2');
    short.finish();
    expect(String(await short.rest())).toBe('end\n');
    expect(String(await long.rest())).toBe('end\n');
    await old.server.closed;
    expect((await old.all('close')).map(({ reason }) => reason)).toEqual(['client-finished', 'shutdown']);
    expect(await old.all('handed-over')).toMatchObject([{ clients: 0 }]);
    expect(balanceOf(old.server)).toEqual({ came: 2, went: 2 });
    await using next = await fresh.connect();
    next.send('slow\n');
    expect(await next.ask('3')).toBe('3');
  });

  it('never has more clients than it may: the others follow when there is a place', async () => {
    const at = path();
    await using old = await generation('old', at, { shutdownTimeout: '10m' });
    const peers = await Peer.connectAll(old.port, 10);
    for (const peer of peers) await peer.ask('hello');
    await using fresh = await generation('new', at, { maxClients: 4 });
    await eventually(() => expect(fresh.server.stats().clients).toBe(4));
    const served = await Promise.all(peers.map(async (peer) => ({ peer, by: (await peer.ask('who')).slice(0, 3) })));
    expect(served.filter(({ by }) => by === 'old')).toHaveLength(6);
    const gone = served.filter(({ by }) => by === 'new').slice(0, 3);
    for (const { peer } of gone) await peer.leave();
    await eventually(() => expect(fresh.server.stats()).toMatchObject({ takenOver: 7, clients: 4 }));
    const left = peers.filter((peer) => !gone.some((other) => other.peer === peer));
    for (const peer of left) expect(await peer.ask('still')).toMatch(/^(old|new) \d+ still$/);
    for (const peer of left) await peer.leave();
    await old.server.closed;
    for (const { server } of [old, fresh]) expect(balanceOf(server).came).toBe(balanceOf(server).went);
  });

  it('keeps no place for clients that cannot come: others have it', async () => {
    const at = path();
    await using old = await generation('old', at, { shutdownTimeout: '10m' });
    await using waiting = await Peer.connect(old.port);
    await using idle = await Peer.connect(old.port);
    await idle.ask('hello');
    waiting.send('later\n');
    await eventually(() => expect(old.server.stats().receivedBytes).toBe('hello\nlater\n'.length));
    await using fresh = await generation('new', at, { maxClients: 2 });
    await eventually(() => expect(fresh.server.stats().takenOver).toBe(1));
    await using next = await Peer.connect(fresh.port);
    expect(await next.ask('hello')).toBe('new 3 hello');
    old.letGo();
    expect(await waiting.line()).toBe('old 1 later');
    expect(await waiting.ask('hello')).toBe('old 1 hello');
    await next.leave();
    await old.server.closed;
    expect(await waiting.ask('hello')).toBe('new 1 hello');
  });

  it('counts those it took for their address', async () => {
    const at = path();
    await using old = await generation('old', at);
    const peers = await Peer.connectAll(old.port, 3);
    for (const peer of peers) await peer.ask('hello');
    await using fresh = await generation('new', at, { maxClientsPerAddress: 3 });
    await old.server.closed;
    await using one = await Peer.connect(fresh.port);
    await one.over();
    expect(fresh.server.stats().rejected).toEqual({ 'over-limit': 1, denied: 0 });
    await peers[0]?.leave();
    await eventually(() => expect(fresh.server.stats().clients).toBe(2));
    await using another = await Peer.connect(fresh.port);
    expect(await another.ask('hello')).toMatch(/^new \d+ hello$/);
  });

  it('reads the rest of a PROXY header, and knows the client by it', async () => {
    const at = path();
    const options = { proxyProtocol: ['127.0.0.1'] };
    await using old = await generation('old', at, options);
    await using peer = await Peer.connect(old.port);
    peer.send('PROXY TCP4 192.0.2.7 ');
    await eventually(() => expect(old.server.stats().receivedBytes).toBe(21));
    await using fresh = await generation('new', at, options);
    await old.server.closed;
    peer.send('192.0.2.1 4711 80\r\n');
    expect(await peer.ask('hello')).toBe('new 1 hello');
    expect(await fresh.seen('open')).toMatchObject([{ address: '192.0.2.7', port: 4711 }]);
    expect([old.opened.value, fresh.opened.value]).toEqual([0, 1]);
  });

  it('listens on the Unix socket of the old one, whose file goes with the last of them', async () => {
    const folder = testFolder();
    const [at, unix] = [join(folder, 'next'), join(folder, 'a.sock')];
    await using old = await generation('old', at, { unix });
    await using peer = await Peer.connectUnix(unix);
    await peer.ask('hello');
    const { ino } = statSync(unix);
    const fresh = await generation('new', at, { unix });
    await old.server.closed;
    expect([await peer.ask('again'), statSync(unix).ino]).toEqual(['new 1 again', ino]);
    await using next = await Peer.connectUnix(unix);
    expect(await next.ask('hello')).toBe('new 2 hello');
    expect(statSync(at).mode & 0o777).toBe(0o600);
    await fresh.server.close();
    expect([existsSync(unix), existsSync(at)]).toEqual([false, false]);
  });

  it('opens what the old one has not, and gives up what it is not to have', async () => {
    const folder = testFolder();
    const [at, unix] = [join(folder, 'next'), join(folder, 'a.sock')];
    await using old = await generation('old', at);
    await using peer = await Peer.connect(old.port);
    await peer.ask('hello');
    await using fresh = await start(service('generation'), {
      takeOver: at,
      unix,
      port: undefined,
      host: undefined,
      shared: { name: 'new' },
    });
    await old.server.closed;
    expect(fresh.server.addresses).toEqual([{ family: 'unix', path: unix, host: 'unix', port: 0 }]);
    await expect(Peer.connect(old.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await peer.ask('hello')).toBe('new 1 hello');
  });

  it('leaves nothing open, one after another', async () => {
    const at = path();
    const before = openDescriptors();
    let current = await generation('0', at);
    const peers = await Peer.connectAll(current.port, 5);
    for (const peer of peers) await peer.ask('hello');
    for (let count = 1; count <= 5; count++) {
      const next = await generation(`${count}`, at);
      await current.server.closed;
      current = next;
      expect(await Promise.all(peers.map((peer) => peer.ask('x')))).toEqual(
        expect.arrayContaining([`${count} 1 x`, `${count} 5 x`]),
      );
    }
    for (const peer of peers) await peer.leave();
    await current.server.close();
    await descriptorsBack(before);
  });
});

describe.skipIf(noTakeOver)('a server that cannot take over', () => {
  it('for its service does not start changes nothing: the old one goes on, and the next can', async () => {
    const at = path();
    await using old = await generation('old', at);
    await using peer = await Peer.connect(old.port);
    await peer.ask('hello');
    const broken = start(service('broken/start-fails'), { takeOver: at });
    await expect(broken).rejects.toMatchObject({ name: 'HeddleError' });
    expect(await peer.ask('hello')).toBe('old 1 hello');
    await using next = await Peer.connect(old.port);
    expect(await next.ask('hello')).toBe('old 2 hello');
    expect(await old.all('handing-over')).toEqual([]);
    await using fresh = await generation('new', at);
    await old.server.closed;
    await fresh.seen('taken-over');
    expect([await peer.ask('hello'), fresh.server.stats().takenOver]).toEqual(['new 1 hello', 2]);
  });

  it('for what is at the path is something else says so', async () => {
    const folder = testFolder();
    const [file, unix] = [join(folder, 'file'), join(folder, 'a.sock')];
    writeFileSync(file, 'mine');
    await using other = await generation('other', join(folder, 'next'), { unix });
    await expect(generation('new', file)).rejects.toThrow(/there is a file that is no socket\. .*options\.takeOver/);
    await expect(generation('new', unix)).rejects.toThrow(
      `Cannot take over at unix:${unix}: what listens there is no Heddle server to take over from. Choose another path with options.takeOver`,
    );
    await expect(generation('new', join(folder, 'no', 'folder'))).rejects.toThrow(
      /there is no such folder\. .*options\.takeOver/,
    );
    expect(await other.all('handing-over')).toEqual([]);
  });
});
