/** Finds a port that a test can give back and take again. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that Linux gives to whoever asks for any (ip_local_port_range). */
const LOWEST = 12_000;
const HIGHEST = 32_000;

/** A port that is free, for all addresses, and that no other test gets by chance. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer();
    const listening = once(server.listen(port), 'listening');
    const isFree = await listening.then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
