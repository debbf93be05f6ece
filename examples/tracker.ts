/**
 * A tracker: it logs in with a line, `login NAME`, and speaks packets from then on: a length in two bytes, then two numbers of four
 * bytes, a place. Each packet is answered with one byte, how many places of this client are known. The framing and the state move
 * with the client.
 *
 *     npx heddle serve examples/tracker.ts --port 12345
 */
import { defineService } from 'heddle';

/** What is kept with a client. */
interface Tracker {
  readonly name: string;
  readonly places: number;
}

export default defineService<Tracker>({
  framings: { lines: { line: 'crlf' }, packets: { length: 2 } },
  async message(message, client) {
    const { state } = client;
    if (state === undefined) {
      const [, name] = /^login (\w+)$/.exec(message.toString()) ?? [];
      if (name === undefined) return 'login NAME, please';
      client.state = { name, places: 0 };
      await client.send(`welcome, ${name}`); // In the framing that the client speaks now: first send, then change it.
      client.framing = 'packets';
      return undefined;
    }
    if (message.length !== 8) throw new Error(`${state.name} has sent ${message.length} bytes, and a place has 8`);
    client.state = { ...state, places: state.places + 1 };
    return Uint8Array.of(state.places + 1);
  },
});
