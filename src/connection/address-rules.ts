/** Decides by its address whether a client is let in: `allow`, `deny` and `maxClientsPerAddress`. */
import { isUnixAddress } from '../ip-address.ts';
import { type Cidr, matches } from '../options/values/cidr.ts';
import type { ClientsPerAddress } from '../sharing/clients-per-address.ts';

/** The options of `serve` that ask for a client's address. */
export interface AddressLimits {
  readonly maxClientsPerAddress: number;
  readonly allow?: readonly Cidr[] | undefined;
  readonly deny?: readonly Cidr[] | undefined;
}

/*
 * The address is the client's own: behind a load balancer, that of the PROXY header. A client of a Unix socket has none:
 * who may come there, the permissions of its file say.
 */
export class AddressRules {
  readonly #limits: AddressLimits;
  readonly #clients: ClientsPerAddress | undefined;

  /** `clients` is left out where there is no limit for an address. */
  constructor(limits: AddressLimits, clients: ClientsPerAddress | undefined) {
    this.#limits = limits;
    this.#clients = clients;
  }

  /** Whether a client at `address` (16 bytes) may not come. */
  denies(address: Uint8Array): boolean {
    const { allow } = this.#limits;
    if (isUnixAddress(address)) return false;
    return this.deniesProxy(address) || (allow !== undefined && !matches(allow, address));
  }

  /** The same for what a load balancer at `address` does for itself, such as health checks: `proxyProtocol` allows it. */
  deniesProxy(address: Uint8Array): boolean {
    return !isUnixAddress(address) && matches(this.#limits.deny ?? [], address);
  }

  /** Counts the client of `fd` at `address`; false: there are as many there as may be. */
  admits(fd: number, address: Uint8Array): boolean {
    if (!isUnixAddress(address)) return this.#clients?.add(fd, address, this.#limits.maxClientsPerAddress) !== false;
    this.forget(fd);
    return true;
  }

  /** Counts, limit or not, a client that was let in by another process. */
  readmit(fd: number, address: Uint8Array): void {
    if (isUnixAddress(address)) this.forget(fd);
    else this.#clients?.add(fd, address, Infinity);
  }

  /** Takes note that `fd` is a client's whose address is not known yet. */
  forget(fd: number): void {
    this.#clients?.forget(fd);
  }
}
