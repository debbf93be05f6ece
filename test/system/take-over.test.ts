import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Peer } from '../server/peer.ts';
import { Dialers } from '../support/dialers.ts';
import { testFolder } from '../support/folder.ts';
import { Certificates } from './certificates.ts';
import { HEDDLE, Running } from './processes.ts';
import { connectTls } from './tls-clients.ts';

const SERVICE = `export default { framing: 'line', message: (line) => process.pid + ' ' + line };\n`;

interface Ground {
  readonly folder: string;
  readonly takeOver: string;
  readonly service: string;
}

function ground(): Ground {
  const folder = testFolder();
  const service = join(folder, 'service.mjs');
  writeFileSync(service, SERVICE);
  return { folder, service, takeOver: join(folder, 'next') };
}

/** Starts one process more with the same command line; resolves when clients can be answered by it. */
async function launch({ service, takeOver }: Ground, ...args: string[]): Promise<Running & { readonly port: number }> {
  const words = ['serve', service, '--host', '127.0.0.1', '--port', '0', '--threads', '2', '--take-over', takeOver];
  const running = new Running(process.execPath, [HEDDLE, ...words, ...args]);
  onTestFinished(() => running[Symbol.asyncDispose]());
  const [, port] = await running.shows(/^Server running on port (\d+)$/m);
  return Object.assign(running, { port: Number(port) });
}

const pidOf = (answer: string): number => Number(answer.split(' ')[0]);

/** Who answers `peer`; undefined if its connection is over, which it may not know before it asks. */
const peerPid = (peer: Peer, line: string): Promise<number | undefined> => peer.ask(line).then(pidOf, () => undefined);

/** Each of these starts many processes. */
const SLOW = { timeout: 240_000 };

describe('heddle serve --take-over', SLOW, () => {
  it('five times in a row: idle clients are served on, with half a line from one and half from the next', async () => {
    const on = ground();
    let current = await launch(on);
    const peers = await Peer.connectAll(current.port, 20);
    for (const peer of peers) expect(pidOf(await peer.ask('hello'))).toBe(current.child.pid);
    for (let count = 0; count < 5; count++) {
      for (const peer of peers) peer.send('one ');
      const next = await launch(on);
      expect(next.port).toBe(current.port);
      const { status, stdout, stderr } = await current.finished();
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(`Handing over to process ${next.child.pid}: it accepts clients from now on\n`);
      expect(stdout).toMatch(new RegExp(` Handed over 20 clients to process ${next.child.pid}\n$`));
      await next.shows(new RegExp(` Took over 20 clients from process ${current.child.pid}$`, 'm'));
      current = next;
      const answers = await Promise.all(peers.map((peer) => peer.ask('line')));
      expect(new Set(answers)).toEqual(new Set([`${current.child.pid} one line`]));
    }
    for (const peer of peers) await peer.leave();
    current.child.kill('SIGTERM');
    const { stdout } = await current.finished();
    expect(stdout.match(/ Client disconnected: /g)).toHaveLength(20);
    expect(stdout).not.toContain('Client connected:');
  });

  it('ten times while clients come without a pause and others talk: nobody is refused, reset or left without a reply', async () => {
    const on = ground();
    let current = await launch(on);
    const talkers = await Peer.connectAll(current.port, 20);
    const over = new AbortController();
    const talking = talkers.map(async (peer, index) => {
      let count = 0;
      while (!over.signal.aborted)
        expect(await peer.ask(`${index}.${++count}`)).toMatch(new RegExp(`^\\d+ ${index}\\.${count}$`));
      return count;
    });
    const dialers = new Dialers(current.port, 8, 'hello\n', (text) => /^\d+ hello\n$/.test(text));
    for (let count = 0; count < 10; count++) {
      const next = await launch(on);
      expect((await current.finished()).status).toBe(0);
      current = next;
    }
    const { answered, ...others } = await dialers.end();
    over.abort();
    for (const count of await Promise.all(talking)) expect(count).toBeGreaterThan(10);
    expect(others).toEqual({ refused: 0, reset: 0, lost: 0 });
    expect(answered).toBeGreaterThan(100);
    for (const peer of talkers) await peer.leave();
  });

  it('of a service that does not start: the old one serves on', async () => {
    const on = ground();
    const old = await launch(on);
    await using peer = await Peer.connect(old.port);
    await peer.ask('hello');
    writeFileSync(on.service, 'export default { message: ');
    const broken = new Running(process.execPath, [
      HEDDLE,
      'serve',
      on.service,
      '--port',
      '0',
      '--take-over',
      on.takeOver,
    ]);
    const { status, stderr } = await broken.finished();
    expect([status, stderr]).toEqual([1, expect.stringContaining('Cannot load the service')]);
    expect(pidOf(await peer.ask('hello'))).toBe(old.child.pid);
    await using another = await Peer.connect(old.port);
    expect(pidOf(await another.ask('hello'))).toBe(old.child.pid);
    expect(old.stdout).not.toContain('Handing over');
  });

  it('by a process that is killed half-way: who had not gone is served on, and the door is open', async () => {
    const on = ground();
    const old = await launch(on, '--shutdown-timeout', '10m');
    const peers = await Peer.connectAll(old.port, 20);
    for (const peer of peers) await peer.ask('hello');
    const killed = await launch(on, '--max-clients', '5');
    const served = await Promise.all(peers.map(async (peer) => ({ peer, pid: pidOf(await peer.ask('who')) })));
    killed.child.kill('SIGKILL');
    await killed.finished();
    await expect
      .poll(() => old.stderr, { timeout: 60_000 })
      .toContain(
        ` Process ${killed.child.pid} ended before it had taken all clients: this one accepts clients again\n`,
      );
    const asked = served.map(async ({ peer, pid }) => ({ peer, pid, now: await peerPid(peer, 'still') }));
    const all = await Promise.all(asked);
    const kept = all.filter(({ now }) => now !== undefined);
    expect(kept.length).toBeGreaterThanOrEqual(15);
    for (const { now } of kept) expect(now).toBe(old.child.pid);
    const gone = all.filter(({ now }) => now === undefined);
    for (const { pid } of gone) expect([killed.child.pid, old.child.pid]).toContain(pid);
    await using next = await Peer.connect(old.port);
    expect(pidOf(await next.ask('hello'))).toBe(old.child.pid);
    const heir = await launch(on);
    expect((await old.finished()).status).toBe(0);
    for (const { peer } of kept) expect(pidOf(await peer.ask('again'))).toBe(heir.child.pid);
  });

  it('takes the place of one that was killed, as any start does', async () => {
    const on = ground();
    const killed = await launch(on);
    killed.child.kill('SIGKILL');
    await killed.finished();
    const next = await launch(on);
    await using peer = await Peer.connect(next.port);
    expect(pidOf(await peer.ask('hello'))).toBe(next.child.pid);
  });

  it('three at once, one after another: each gets its turn, and the last one has the clients', async () => {
    const on = ground();
    const first = await launch(on);
    await using peer = await Peer.connect(first.port);
    await peer.ask('hello');
    const all = await Promise.all([launch(on), launch(on), launch(on)]);
    const serving = await Promise.all([
      first.finished(),
      ...all.map((one) => Promise.race([one.finished(), peer.ask('x')])),
    ]);
    expect(serving).toHaveLength(4);
    const last = pidOf(await peer.ask('who'));
    expect(all.map(({ child }) => child.pid)).toContain(last);
  });

  describe('with TLS', () => {
    const certificates = new Certificates();
    afterAll(() => certificates[Symbol.dispose]());

    it('new clients are the new one’s at once; those that are there stay, and are closed in order', async () => {
      const authority = certificates.authority('authority');
      const { cert, key } = certificates.issue('server', authority);
      const on = ground();
      const args = ['--tls-cert', cert, '--tls-key', key, '--shutdown-timeout', '12s'];
      const old = await launch(on, ...args);
      await using peer = await connectTls(old.port, authority);
      expect(pidOf(await peer.ask('hello'))).toBe(old.child.pid);
      const next = await launch(on, ...args);
      expect(pidOf(await peer.ask('hello'))).toBe(old.child.pid);
      await using another = await connectTls(next.port, authority);
      expect(pidOf(await another.ask('hello'))).toBe(next.child.pid);
      expect(String(await peer.rest())).toBe('');
      const { status, stdout } = await old.finished();
      expect([status, stdout]).toEqual([0, expect.stringMatching(/ Handed over 0 clients to process \d+\n$/)]);
    });
  });
});
