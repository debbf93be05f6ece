import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Peer } from '../server/peer.ts';
import { start } from '../server/running.ts';
import { Haproxy } from './haproxy.ts';
import { run, startHeddle } from './processes.ts';

/* Framings of a service's own, declared ones and those that change, behind the PROXY header of a load balancer. */

const exampleUrl = (name: string): URL => new URL(`../../examples/${name}.ts`, import.meta.url);

/** What a tracker sends: it logs in, and says where it is. */
const TRACKED = 'login ann\r\n\0\x0812345678';
/** What it gets for that. */
const GREETED = 'welcome, ann\r\n\0\x01\x01';

it.each<[string, string, readonly [command: string, words: readonly string[], printed: RegExp][]]>([
  [
    'syslog',
    'send-proxy-v2',
    [
      ['logger', ['--tcp', '--octet-count', '--server', '127.0.0.1', '--port', 'PORT', 'it rains'], /it rains$/m],
      ['logger', ['--tcp', '--server', '127.0.0.1', '--port', 'PORT', 'it snows'], /it snows$/m],
    ],
  ],
  [
    'mqtt-sink',
    'send-proxy',
    [['mosquitto_pub', ['-p', 'PORT', '-t', 'weather', '-m', 'it rains'], /^published: a packet of 19 bytes$/m]],
  ],
])('behind HAProxy, clients of %s are heard (%s)', async (example, words, clients) => {
  const behind = ['--host', '127.0.0.1', '--proxy-protocol', '127.0.0.1'];
  await using server = await startHeddle(fileURLToPath(exampleUrl(example)), ...behind);
  await using proxy = await Haproxy.start(server.port, words);
  (await proxy.dial('127.0.0.1')).destroy();
  for (const [command, given, printed] of clients) {
    const { status, stderr } = await run(
      command,
      given.map((word) => word.replace('PORT', `${proxy.port}`)),
    );
    expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
    await server.shows(printed);
  }
});

it('behind HAProxy, a tracker logs in with a line and goes on in packets', async () => {
  await using running = await start(exampleUrl('tracker'), { proxyProtocol: ['127.0.0.1'] });
  await using proxy = await Haproxy.start(running.port, 'send-proxy-v2');
  await using tracker = new Peer(await proxy.dial('127.0.0.3'));
  tracker.send(TRACKED);
  expect(String(await tracker.take(GREETED.length))).toBe(GREETED);
  expect(String(await tracker.send('\0\x0812345678').take(3))).toBe('\0\x01\x02');
  expect((await running.all('open')).map(({ address }) => address)).toContain('127.0.0.3');
});

it('a tracker is known wherever a network splits its header, its line and its packet', async () => {
  await using running = await start(exampleUrl('tracker'), { proxyProtocol: ['127.0.0.1'] });
  const all = Buffer.from(`PROXY TCP4 203.0.113.7 10.0.0.1 4711 1\r\n${TRACKED}`);
  const split = async (at: number): Promise<string> => {
    await using tracker = await running.connect();
    tracker.send(all.subarray(0, at));
    await turn();
    return String(await tracker.send(all.subarray(at)).take(GREETED.length));
  };
  const replies = await Promise.all(Array.from(all.keys(), split));
  expect(new Set(replies)).toEqual(new Set([GREETED]));
});
