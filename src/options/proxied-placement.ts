/** Refuses to place clients by their address where that is known too late. */

import { HeddleError } from '../errors.ts';
import type { NameOf } from './source.ts';

interface PlacementSettings {
  readonly placement: string;
  readonly proxyProtocol: readonly unknown[];
}

/** Throws HEDDLE_INVALID_OPTION for `source-hash` behind load balancers: a client has its thread before its PROXY header is read. */
export function refuseProxiedHash({ placement, proxyProtocol }: PlacementSettings, nameOf: NameOf): void {
  if (placement !== 'source-hash' || proxyProtocol.length === 0) return;
  const [hash, proxies] = [nameOf('placement'), nameOf('proxyProtocol')];
  const why = `a client has its thread before its PROXY header says which address it has`;
  throw new HeddleError(
    'HEDDLE_INVALID_OPTION',
    `${hash} source-hash does not go with ${proxies}: ${why}; choose another placement, such as least-busy`,
  );
}
