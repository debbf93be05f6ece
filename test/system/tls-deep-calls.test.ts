import { afterAll, expect, it } from 'vitest';
import { service, start } from '../server/running.ts';
import { Certificates } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);

it('a session over TLS that calls with hardly any stack left loses and repeats nothing', async () => {
  await using running = await start(service('deep-calls'), { tls });
  for (let client = 0; client < 10; client++) {
    await using peer = await connectTls(running.port, authority);
    peer.send(`node ${client}\n`);
    for (let line = 0; line < 600; line++) expect(await peer.line()).toBe(`node ${client}`);
    expect(await peer.line()).toBe('made 600');
  }
  expect(await running.all('service-error')).toEqual([]);
  expect(await running.all('thread-exit')).toEqual([]);
});
