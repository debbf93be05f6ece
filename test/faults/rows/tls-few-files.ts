import { fileURLToPath } from 'node:url';
import type { Peer } from '../../server/peer.ts';
import { Certificates } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import { type Row, within } from '../row.ts';

const LIMIT = 512;
const DIALLED = 300;
const SERVICE = fileURLToPath(new URL('../counting-service.mjs', import.meta.url));

export const tlsFewFiles: Row = {
  fault: `TLS with few files: ${DIALLED} clients, of two files each, where the process may have ${LIMIT}`,
  asked:
    'none is closed for want of a file: those beyond the limit wait until others leave; at most one line of the log a minute',
  async run(stage) {
    using certificates = new Certificates();
    const authority = certificates.authority('authority');
    const tls = certificates.issue('server', authority);
    const server = await stage.start({ service: SERVICE, framing: 'line', tls, threads: 2 }, `ulimit -n ${LIMIT};`);
    const answered: Peer[] = [];
    let failed = 0;
    const dial = async (): Promise<void> => {
      const peer = await connectTls(server.port, authority);
      if ((await peer.ask('hello')) === 'hello') answered.push(peer);
      else failed++;
    };
    const all = Array.from({ length: DIALLED }, () => dial().catch(() => failed++));
    const sum = (): number => answered.length + failed;
    let atOnce = 0;
    while (await within(3000, () => sum() > atOnce)) atOnce = sum();
    for (const peer of answered) await peer.leave();
    await Promise.all(all);
    for (const peer of answered) await peer.leave();
    const { closes, pauses } = await server.stats();
    return {
      measured: `${atOnce} served at once, ${answered.length} of ${DIALLED} in all, ${closes['over-limit']} closed as over-limit, ${pauses} lines of the log`,
      passed: answered.length === DIALLED && closes['over-limit'] === 0 && pauses <= 1,
    };
  },
};
