import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Peer } from '../../server/peer.ts';
import { type Row, sum, within } from '../row.ts';

const RELOADS = 20;
const CLIENTS = 100;

/** A client that talks all the time, and notes what code answered last. */
class Talker {
  version = '';
  answered = 0;
  lost = 0;
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  async talk(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const question = `message ${this.answered}`;
      const answer = await this.#peer.ask(question).catch(() => undefined);
      const [version, ...rest] = (answer ?? '').split(': ');
      if (rest.join() !== question) this.lost++;
      if (answer === undefined) break;
      this.version = version ?? '';
      this.answered++;
    }
    await this.#peer.leave();
  }
}

function writeService(file: string, version: string): void {
  writeFileSync(file, `export default { message: (line) => ${JSON.stringify(version)} + ': ' + line };\n`);
}

export const reloads: Row = {
  fault: `${RELOADS} reloads of the service while ${CLIENTS} clients talk`,
  asked: '0 connections dropped, 0 replies lost, all clients on the new code after each',
  async run(stage) {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-faults-'));
    try {
      const service = join(folder, 'service.mjs');
      writeService(service, '0');
      const server = await stage.start({ service, framing: 'line', threads: 2 });
      const talkers = (await Peer.connectAll(server.port, CLIENTS)).map((peer) => new Talker(peer));
      const over = new AbortController();
      const talking = talkers.map((talker) => talker.talk(over.signal));
      let onNewCode = 0;
      for (let reload = 1; reload <= RELOADS; reload++) {
        writeService(service, String(reload));
        const kept = await server.reload();
        if (kept !== undefined) throw new Error(`reload ${reload} was refused: ${kept}`);
        if (await within(5000, () => talkers.every(({ version }) => version === String(reload)))) onNewCode++;
      }
      over.abort();
      await Promise.all(talking);
      const answered = sum(talkers.map((talker) => talker.answered));
      const lost = sum(talkers.map((talker) => talker.lost));
      return {
        measured: `${answered} replies, ${lost} lost or dropped; all clients on the new code after ${onNewCode} of ${RELOADS}`,
        passed: lost === 0 && answered > 0 && onNewCode === RELOADS,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
