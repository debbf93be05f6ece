import { fileURLToPath } from 'node:url';
import { Peer } from '../../server/peer.ts';
import { Certificates } from '../../system/certificates.ts';
import { connectTls } from '../../system/tls-clients.ts';
import { type Row, sum } from '../row.ts';

const CLIENTS = 50;
const TIMES = 100;
const SERVICE = fileURLToPath(new URL('../identity-service.mjs', import.meta.url));

/** Logs in and asks who is there, beside others that do the same; resolves with how often it was somebody. */
async function talk(dial: () => Promise<Peer>, client: number): Promise<number> {
  let strangers = 0;
  let peer = await dial();
  for (let time = 0; time < TIMES; time++) {
    const name = `client-${client}-${time}`;
    if ((await peer.ask(`login ${name}`)) !== name) strangers++;
    if ((await peer.ask('who')) !== 'nobody') strangers++;
    if (time % 10 !== 9) continue;
    await peer.leave();
    peer = await dial();
  }
  await peer.leave();
  return strangers;
}

export const identity: Row = {
  fault: `${CLIENTS} clients that come and go enter their names with AsyncLocalStorage.enterWith, ${TIMES} times each; so do the hooks open and close; plain and TLS`,
  asked: 'no call sees what another has entered',
  async run(stage) {
    using certificates = new Certificates();
    const authority = certificates.authority('authority');
    const options = { service: SERVICE, framing: 'line', threads: 2 } as const;
    const plain = await stage.start(options);
    const secure = await stage.start({ ...options, tls: certificates.issue('server', authority) });
    const all = Array.from({ length: CLIENTS }, (_, client) => [
      talk(() => Peer.connect(plain.port), client),
      talk(() => connectTls(secure.port, authority), client),
    ]);
    const strangers = sum(await Promise.all(all.flat()));
    return { measured: `${strangers} of ${CLIENTS * TIMES * 4} calls saw another’s`, passed: strangers === 0 };
  },
};
