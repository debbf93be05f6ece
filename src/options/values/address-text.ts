/** Writes an address that was given in parts as the text that is read, so that there is one place that refuses it. */
import { isIP } from 'node:net';
import { show } from '../show.ts';

/** `host:port`, an IPv6 address in brackets; `undefined` if the parts are no text and no number. */
export function addressText(host: unknown, port: unknown): string | undefined {
  if (typeof host !== 'string' || (typeof port !== 'number' && typeof port !== 'string')) return undefined;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** A text as it is; anything else as errors show it, so that objects without a `toString` do no harm. */
export function plainText(given: unknown): string {
  return typeof given === 'string' ? given : show(given);
}
