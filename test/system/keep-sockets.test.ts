import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Peer } from '../server/peer.ts';
import { quietPort } from '../support/quiet-port.ts';
import { HEDDLE, run, Running } from './processes.ts';

const KEEPER = fileURLToPath(new URL('../../deploy/keep-sockets.mjs', import.meta.url));
const FATAL = fileURLToPath(new URL('../faults/fatal-service.mjs', import.meta.url));
const SERVE = [process.execPath, HEDDLE, 'serve'];

/** The keeper of a port of its own, with a server of a service that one message ends. */
async function keep(...words: string[]): Promise<Running & { readonly port: number }> {
  const port = await quietPort();
  const command = [...SERVE, FATAL, '--threads', '2', ...words];
  const keeper = new Running(process.execPath, [KEEPER, `127.0.0.1:${port}`, '--', ...command]);
  await keeper.shows(/^Server running on port/m);
  return Object.assign(keeper, { port });
}

describe('a server whose sockets outlive it', () => {
  it('refuses nobody although a message ends its process, and serves those who came meanwhile', async () => {
    const keeper = await keep();
    const fatal = await Peer.connect(keeper.port);
    expect(await fatal.ask('hello')).toBe('hello');
    fatal.send('fatal\n');
    await fatal.over();
    // Its process is gone, or about to be.
    const late = await Peer.connectAll(keeper.port, 20);
    const answers = await Promise.all(late.map((peer, index) => peer.ask(`late ${index}`)));
    expect(answers).toEqual(late.map((_, index) => `late ${index}`));
    for (const peer of late) await peer.leave();
    expect(keeper.stderr).toMatch(/^The server has ended with status 134: it is started again$/m);
    keeper.child.kill('SIGTERM');
    expect((await keeper.finished()).status).toBe(0);
  });

  it('hears signals, and is not started again after it has ended in order', async () => {
    await using keeper = await keep();
    keeper.child.kill('SIGHUP');
    await keeper.shows(/Serving new code on 2 threads$/m);
    const held = await Peer.connect(keeper.port);
    expect(await held.ask('hello')).toBe('hello');
    keeper.child.kill('SIGTERM');
    expect(await keeper.finished()).toMatchObject({ status: 0, stderr: '' });
    await held.over();
    expect(keeper.stdout.match(/^Server running/gm)).toHaveLength(1);
  });

  it('says what is wrong with its command line, and that a port is in use', async () => {
    expect(await run(process.execPath, [KEEPER, '12345'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Usage: '),
    });
    await using keeper = await keep();
    const other = new Running(process.execPath, [KEEPER, `127.0.0.1:${keeper.port}`, '--', ...SERVE]);
    expect(await other.finished()).toMatchObject({ status: 1, stderr: expect.stringContaining('EADDRINUSE') });
    keeper.child.kill('SIGTERM');
    await once(keeper.child, 'exit');
  });
});
