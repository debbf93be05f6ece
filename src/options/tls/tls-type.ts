/** Reads the TLS options of a server or a connection. A private key may be among them: no error shows what was given. */

import * as v from 'valibot';
import { typeNote } from '../schema.ts';
import { anything, refuse } from '../values/value-types.ts';

/** The path of a PEM file, or what would be in it. */
export type Pem = string | Uint8Array;

/** What a server shows its clients. */
export interface KeyPair {
  /** The certificate, followed by those between it and the root. */
  readonly cert: Pem;
  /** The private key of the certificate, without a passphrase. */
  readonly key: Pem;
}

/** When TLS begins: with the connection, or later, when the service calls `client.startTls()`. */
export const TLS_STARTS = ['now', 'later'] as const;
export type TlsStart = (typeof TLS_STARTS)[number];

/** What `serve` can be told of TLS. */
export interface TlsOptions extends KeyPair {
  /** The certificates of the authorities that sign client certificates. */
  readonly ca?: Pem;
  /** Lists of certificates that the authorities of `ca` have revoked (CRL): a client that shows one of these is refused. */
  readonly crl?: Pem;
  /**
   * Whether a client must show a certificate that an authority in `ca` signed (mutual TLS).
   * @default false
   */
  readonly requestClientCert?: boolean;
  /** The protocols that may be agreed on (ALPN), best first. */
  readonly alpn?: readonly string[];
  /**
   * Other certificates and keys by the host name that a client asks for; `*.example.com` is any name of that form. An exact
   * name beats such a one, and the case of letters does not count.
   */
  readonly sni?: Readonly<Record<string, KeyPair>>;
  /**
   * When TLS begins: `now`, with the connection, or `later`, when the service calls `client.startTls()` (STARTTLS). Only a service with
   * `session` can begin later.
   * @default 'now'
   */
  readonly start?: TlsStart;
}

/** What `connect` can be told of TLS. */
export interface ConnectTlsOptions {
  /**
   * The certificates of the authorities that sign server certificates.
   * @default those that Node trusts
   */
  readonly ca?: Pem;
  /** The certificate to show, if the server asks for one; with `key`. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /**
   * The name to ask for, which the server's certificate must have.
   * @default the host
   */
  readonly servername?: string;
  /**
   * Whether a server is refused if no trusted authority signed its certificate. With false, any server is accepted, also an attacker's.
   * @default true
   */
  readonly rejectUnauthorized?: boolean;
}

type Check = (value: unknown) => boolean;

const PEM = 'the path of a PEM file, or its text or bytes';

type Keys = Readonly<Record<string, readonly [Check, string]>>;

const SERVER_KEYS: Keys = {
  cert: [isPem, PEM],
  key: [isPem, PEM],
  ca: [isPem, PEM],
  crl: [isPem, PEM],
  requestClientCert: [isBoolean, 'true or false'],
  alpn: [isProtocols, 'a list of names of protocols'],
  sni: [isPairs, 'an object of { cert, key } by host name'],
  start: [isStart, "'now' or 'later'"],
};

const CONNECT_KEYS: Keys = {
  ca: [isPem, PEM],
  cert: [isPem, PEM],
  key: [isPem, PEM],
  servername: [(value) => typeof value === 'string', 'a host name'],
  rejectUnauthorized: [isBoolean, 'true or false'],
};

export const connectTls: v.GenericSchema<boolean | ConnectTlsOptions, ConnectTlsOptions | undefined> = v.pipe(
  anything<boolean | ConnectTlsOptions>(),
  v.rawTransform((context): ConnectTlsOptions | undefined => {
    const { value } = context.dataset;
    if (typeof value === 'boolean') return value ? {} : undefined;
    const problem = problemOfConnect(value);
    return problem === undefined ? (value as ConnectTlsOptions) : refuse(context, problem);
  }),
  typeNote({
    form: 'boolean',
    fromText: (text) => (/^(true|1)$/.test(text) ? true : /^(false|0)$/.test(text) ? false : text),
  }),
);

function problemOfConnect(value: unknown): string | undefined {
  if (!isRecord(value)) return 'must be true, false or an object';
  if ((value['cert'] === undefined) !== (value['key'] === undefined)) return 'must have cert and key, or neither';
  return problemOfKeys(value, CONNECT_KEYS);
}

export const tls: v.GenericSchema<TlsOptions> = v.pipe(
  anything<TlsOptions>(),
  v.rawTransform((context): TlsOptions => {
    const { value } = context.dataset;
    const problem = problemOf(value);
    return problem === undefined ? (value as TlsOptions) : refuse(context, problem);
  }),
  typeNote({ form: 'object' }),
);

function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'must be an object with cert and key';
  const missing = ['cert', 'key'].find((key) => value[key] === undefined);
  if (missing !== undefined) return `must have ${missing}: ${PEM}`;
  const problem = problemOfKeys(value, SERVER_KEYS);
  if (problem !== undefined) return problem;
  if (value['requestClientCert'] === true && value['ca'] === undefined)
    return 'must have ca, the certificates of the authorities that sign client certificates, if it has requestClientCert';
  if (value['crl'] !== undefined && value['requestClientCert'] !== true)
    return 'must have requestClientCert if it has crl: without it no client shows a certificate';
  return twiceIn(value['sni']);
}

/** Names have no upper and lower case. */
function twiceIn(sni: unknown): string | undefined {
  const names = Object.keys(sni ?? {}).map((name) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `has ${twice} twice in sni`;
}

function problemOfKeys(value: Readonly<Record<string, unknown>>, keys: Keys): string | undefined {
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(keys, key));
  if (unknown !== undefined) return `has no ${unknown}; it has ${Object.keys(keys).join(', ')}`;
  const wrong = Object.entries(keys).find(([key, [fits]]) => value[key] !== undefined && !fits(value[key]));
  return wrong && `has a wrong ${wrong[0]}: it must be ${wrong[1][1]}`;
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPem(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || value instanceof Uint8Array;
}

function isStart(value: unknown): boolean {
  return TLS_STARTS.some((start) => start === value);
}

function isProtocols(value: unknown): boolean {
  return (
    Array.isArray(value) && [...value].every((name) => typeof name === 'string' && name !== '' && name.length < 256)
  );
}

function isPairs(value: unknown): boolean {
  return (
    isRecord(value) && Object.values(value).every((pair) => isRecord(pair) && isPem(pair['cert']) && isPem(pair['key']))
  );
}
