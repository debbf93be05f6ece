/** Reads where metrics are asked for: `127.0.0.1:9090`, `[::1]:9090`, or `:9090` on the loopback. */

import { isIP } from 'node:net';
import * as v from 'valibot';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { addressText, plainText } from './address-text.ts';
import { anything, refuse } from './value-types.ts';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

type MetricsInput = string | number | MetricsAddress;

const LOOPBACK = '127.0.0.1';
const EXPECTED = 'must be an address and a port such as 127.0.0.1:9090, or a port alone, of 127.0.0.1';

export function metricsAddress(): v.GenericSchema<MetricsInput, MetricsAddress> {
  return v.pipe(
    anything<MetricsInput>(),
    v.rawTransform((context): MetricsAddress => {
      const { value } = context.dataset;
      return addressOf(value) ?? refuse(context, `${EXPECTED}, got ${show(value)}`);
    }),
    typeNote({ form: 'address:port' }),
  );
}

/** Settings are options too: what was read before is taken as it is. */
function addressOf(given: unknown): MetricsAddress | undefined {
  if (typeof given === 'object' && given !== null) {
    const { host, port } = given as Partial<Record<'host' | 'port', unknown>>;
    return addressOf(addressText(host, port) ?? '');
  }
  const [, v6, v4 = '', digits] = /^(?:(?:\[([^\]]+)\]|([\d.]*)):)?(\d{1,5})$/.exec(plainText(given)) ?? [];
  const host = v6 ?? (v4 === '' ? LOOPBACK : v4);
  const port = Number(digits);
  return isIP(host) !== 0 && port <= 65_535 ? { host, port } : undefined;
}

/** Names by which the place may be called: an array, or text separated by commas. */
export function hostNames(): v.GenericSchema<string | readonly string[], readonly string[]> {
  const expected = 'must be host names such as metrics.example.org';
  return v.pipe(
    anything<string | readonly string[]>(),
    v.rawTransform((context): readonly string[] => {
      const { value } = context.dataset;
      const names: unknown = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
      const areNames = (given: unknown): given is string[] =>
        Array.isArray(given) && [...given].every((name) => typeof name === 'string' && /^[\w.-]+$/.test(name));
      return areNames(names) ? names : refuse(context, `${expected}, got ${show(value)}`);
    }),
    typeNote({ form: 'name', isList: true }),
  );
}
