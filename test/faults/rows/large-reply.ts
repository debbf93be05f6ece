import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { pattern } from '../pattern.mjs';
import { type Row, within } from '../row.ts';

const MIB = 2 ** 20;
const SIZE = 64 * MIB;
const READ = 1024;
/** Clients that vanish when they have read half. */
const VANISHING = 10;

/** Reads a reply of `SIZE` in pieces of 1 KiB; resolves with its hash, or `undefined` if it vanishes after `most` bytes. */
function read(port: number, most = Infinity): Promise<string | undefined> {
  const hash = createHash('sha256');
  let length = 0;
  return new Promise((resolve, reject) => {
    const callback = (count: number, bytes: Uint8Array): boolean => {
      hash.update(bytes.subarray(0, count));
      length += count;
      if (length >= most) socket.resetAndDestroy();
      return length < most;
    };
    const onread = { buffer: Buffer.alloc(READ), callback };
    const socket = connect({ port, host: '127.0.0.1', onread }, () => socket.end(`large ${SIZE}\n`));
    socket.once('error', reject);
    socket.once('close', () => resolve(length < most ? hash.digest('hex') : undefined));
  });
}

export const largeReply: Row = {
  fault: `a reply of ${SIZE / MIB} MiB, read 1 KiB at a time; ${VANISHING} clients that vanish half-way`,
  asked: 'SHA-256 equal; a close reason for each that vanishes, no crash',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2 });
    const expected = createHash('sha256').update(pattern(SIZE)).update('\n').digest('hex');
    const isWhole = (await read(server.port)) === expected;
    for (let client = 0; client < VANISHING; client++) await read(server.port, SIZE / 2);
    const gone = await within(5000, async () => (await server.stats()).clients === 0);
    const { closes, exits } = await server.stats();
    return {
      measured: `whole: ${isWhole ? 'yes' : 'no'}; ${closes['client-finished']} closed as client-finished, ${closes['client-reset']} as client-reset; process at ${(server.memory / MIB).toFixed(0)} MiB`,
      passed: isWhole && gone && closes['client-reset'] === VANISHING && Object.keys(exits).length === 0,
    };
  },
};
