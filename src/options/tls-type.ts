/** Used to read what a server, or a connection, is told of TLS. A private key may be in it: no error shows what was given. */

import * as z from 'zod';
import { typeNotes } from './schema.ts';
import { refuse } from './value-types.ts';

/** The path of a PEM file, or what would be in it. */
export type Pem = string | Uint8Array;

/** What a server shows its clients. */
export interface KeyPair {
  /** The certificate, followed by those between it and the root. */
  readonly cert: Pem;
  /** The private key of the certificate, without a passphrase. */
  readonly key: Pem;
}

/** What `serve` can be told of TLS. */
export interface TlsOptions extends KeyPair {
  /** The certificates of those who vouch for clients. */
  readonly ca?: Pem;
  /**
   * Whether a client must show a certificate that one of `ca` vouches for.
   * @default false
   */
  readonly requestClientCert?: boolean;
  /** The protocols that may be agreed on (ALPN), best first. */
  readonly alpn?: readonly string[];
  /** Other certificates and keys by the host name that a client asks for; `*.example.com` is any name of that form. */
  readonly sni?: Readonly<Record<string, KeyPair>>;
}

type Check = (value: unknown) => boolean;

const PEM = 'the path of a PEM file, or its text or bytes';

const KEYS: Readonly<Record<string, readonly [Check, string]>> = {
  cert: [isPem, PEM],
  key: [isPem, PEM],
  ca: [isPem, PEM],
  requestClientCert: [(value) => typeof value === 'boolean', 'true or false'],
  alpn: [isProtocols, 'a list of names of protocols'],
  sni: [isPairs, 'an object of { cert, key } by host name'],
};

export const tls = z
  .custom<TlsOptions>()
  .transform((value: unknown, context): TlsOptions => {
    const problem = problemOf(value);
    return problem === undefined ? (value as TlsOptions) : refuse(context, problem, { saysValue: true });
  })
  .register(typeNotes, { form: 'object' });

function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'must be an object with cert and key';
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(KEYS, key));
  if (unknown !== undefined) return `has no ${unknown}; it has ${Object.keys(KEYS).join(', ')}`;
  const missing = ['cert', 'key'].find((key) => value[key] === undefined);
  if (missing !== undefined) return `must have ${missing}: ${PEM}`;
  const wrong = Object.entries(KEYS).find(([key, [fits]]) => value[key] !== undefined && !fits(value[key]));
  if (wrong !== undefined) return `has a wrong ${wrong[0]}: it must be ${wrong[1][1]}`;
  if (value['requestClientCert'] === true && value['ca'] === undefined)
    return 'must have ca, the certificates of those who vouch for clients, if it has requestClientCert';
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPem(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || value instanceof Uint8Array;
}

function isProtocols(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '' && name.length < 256);
}

function isPairs(value: unknown): boolean {
  return (
    isRecord(value) && Object.values(value).every((pair) => isRecord(pair) && isPem(pair['cert']) && isPem(pair['key']))
  );
}
