/** Decides who is next among clients that wait: of the address that has cost least, the client that has cost least. */
import type { Generation } from '../../sharing/connection-table.ts';

/** A client that waits. */
export interface Waiting {
  readonly fd: number;
  readonly generation: Generation;
  /** The name of its address's account. */
  readonly address: string;
  /** What it has cost, as a `rankOf`; the client that ranks lowest is next. */
  readonly rank: number;
}

export class FairQueue<Client extends Waiting> {
  readonly #addresses = new Map<string, Map<number, Client>>();
  readonly #byFd = new Map<number, Client>();

  get size(): number {
    return this.#byFd.size;
  }

  has(fd: number): boolean {
    return this.#byFd.has(fd);
  }

  /** Has the client wait; once, however often it is added. */
  add(client: Client): void {
    this.delete(client.fd);
    this.#byFd.set(client.fd, client);
    const clients = this.#addresses.get(client.address);
    if (clients === undefined) this.#addresses.set(client.address, new Map([[client.fd, client]]));
    else clients.set(client.fd, client);
  }

  delete(fd: number): void {
    const client = this.#byFd.get(fd);
    if (client === undefined) return;
    this.#byFd.delete(fd);
    const clients = this.#addresses.get(client.address) as Map<number, Client>;
    clients.delete(fd);
    if (clients.size === 0) this.#addresses.delete(client.address);
  }

  clear(): void {
    this.#addresses.clear();
    this.#byFd.clear();
  }

  /**
   * Who is next of those that `may` be; `rankOf` gives that of what an address has cost. Among equals it is who has waited longest.
   * Looks at all of them: 10,000 take about 0.1 ms, and there are at most some thousand turns a second.
   */
  next(rankOf: (address: string) => number, may: (client: Client) => boolean): Client | undefined {
    let best: Client | undefined;
    let lowest = Infinity;
    for (const [address, clients] of this.#addresses) {
      const rank = rankOf(address);
      if (best !== undefined && rank >= lowest) continue;
      const candidate = cheapest(clients.values(), may);
      if (candidate === undefined) continue;
      best = candidate;
      lowest = rank;
    }
    return best;
  }
}

function cheapest<Client extends Waiting>(
  clients: Iterable<Client>,
  may: (client: Client) => boolean,
): Client | undefined {
  let best: Client | undefined;
  for (const client of clients) if (may(client) && (best === undefined || client.rank < best.rank)) best = client;
  return best;
}
