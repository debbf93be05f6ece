import { connect } from 'node:net';
import { type Row, within } from '../row.ts';

const TIMES = 20_000;
const AT_ONCE = 100;

/** Connects and resets, one after another; resolves with how often it could connect. */
async function storm(port: number, times: number): Promise<number> {
  let connected = 0;
  for (let time = 0; time < times; time++) {
    connected += await new Promise<number>((resolve) => {
      // Many source addresses, so that there are ports enough.
      const localAddress = `127.0.0.${2 + (time % 8)}`;
      const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.resetAndDestroy());
      socket.once('error', () => resolve(0));
      socket.once('close', () => resolve(1));
    });
  }
  return connected;
}

export const connectAndReset: Row = {
  fault: `${TIMES} clients connect and reset at once`,
  asked: 'no crash, fds back to the start, each with a close reason',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: 2 });
    const before = server.fds;
    await Promise.all(Array.from({ length: AT_ONCE }, () => storm(server.port, TIMES / AT_ONCE)));
    const settled = async (): Promise<boolean> => (await server.stats()).clients === 0 && server.fds <= before;
    const back = await within(15_000, settled);
    const { accepted, closes } = await server.stats();
    const closed = Object.values(closes).reduce((sum, count) => sum + count, 0);
    return {
      measured: `${accepted} accepted, ${closed} closed with a reason, fds ${before} → ${server.fds}`,
      passed: back && closed === accepted,
    };
  },
};
