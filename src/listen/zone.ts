/** Finds the zones of link-local addresses: the `%eth0` of `fe80::1%eth0` is a network interface (RFC 4007, section 11). */
import { networkInterfaces } from 'node:os';
import type { SocketAddress } from '../sys/sys.ts';

/** Gives the number of the interface that `zone` names, or is; `undefined`: there is none. */
export function zoneNumber(zone: string): number | undefined {
  if (/^[1-9]\d*$/.test(zone)) return Number(zone);
  const { [zone]: addresses = [] } = networkInterfaces();
  return addresses.map(scopeOf).find((scope) => scope !== 0);
}

/** Writes an IP address as it is given, with its zone if it has one. */
export function hostText({ address, scope = 0 }: SocketAddress): string {
  if (scope === 0) return address;
  const [name] =
    Object.entries(networkInterfaces()).find(([, its]) => its?.some((each) => scopeOf(each) === scope)) ?? [];
  return `${address}%${name ?? scope}`;
}

function scopeOf(address: { readonly scopeid?: number }): number {
  return address.scopeid ?? 0;
}
