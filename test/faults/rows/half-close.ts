import { createHash } from 'node:crypto';
import { Peer } from '../../server/peer.ts';
import { pattern } from '../pattern.mjs';
import type { Row } from '../row.ts';

const SIZE = 4 * 2 ** 20;
const TIMES = 50;

export const halfClose: Row = {
  fault: `half-close: send, shut down sending, read a reply of 4 MiB, ${TIMES} times`,
  asked: 'every byte, then the end of the stream',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2 });
    const expected = createHash('sha256').update(pattern(SIZE)).update('\n').digest('hex');
    let right = 0;
    for (let time = 0; time < TIMES; time++) {
      const peer = await Peer.connect(server.port);
      peer.send(`large ${SIZE}\n`).finish();
      if (
        createHash('sha256')
          .update(await peer.rest())
          .digest('hex') === expected
      )
        right++;
      await peer.leave();
    }
    return { measured: `${right} of ${TIMES} whole (SHA-256)`, passed: right === TIMES };
  },
};
