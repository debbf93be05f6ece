/** Says durations, counts and clients in words. The page has this file, too: it imports nothing. */

/** Such as `7 ms`, `6.2 s`, `3 min`, `4 h`, `2 d`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return ms < 86_400_000 ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / 86_400_000)} d`;
}

/** Such as `1 client`, `1,024 clients`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? `1 ${one}` : `${count.toLocaleString('en-US')} ${many}`;
}

export interface NamedClient {
  readonly id: number;
  readonly address: string;
  readonly port: number;
}

/** Such as `client #88213 (10.0.4.17:51544)`. */
export function clientText(client: NamedClient): string {
  return `client #${client.id} (${placeText(client)})`;
}

/** Such as `10.0.4.17:51544`, `[::1]:51544`, `unix`. */
export function placeText({ address, port }: Omit<NamedClient, 'id'>): string {
  if (port === 0) return address; // That of a Unix socket.
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
