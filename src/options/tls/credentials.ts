/** Reads certificates and keys, and says what is wrong with them before anything listens. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { HeddleError } from '../../errors.ts';
import { type PemText, readPem } from './pem.ts';
import type { NameOf } from '../source.ts';
import { newTicketKeys } from './ticket-keys.ts';
import type { KeyPair, Pem, TlsOptions, TlsStart } from './tls-type.ts';

/** One list of revoked certificates. */
const REVOCATIONS = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g;

interface PairText {
  readonly cert: string;
  readonly key: string;
}

/** What a server needs for TLS, read and checked. Plain data: every thread is started with it. */
export interface Credentials extends PairText {
  readonly ca: string | undefined;
  /** Each is one list: Node reads no more of a text. */
  readonly crl: readonly string[];
  readonly requestClientCert: boolean;
  readonly alpn: readonly string[];
  readonly sni: Readonly<Record<string, PairText>>;
  readonly start: TlsStart;
  /** What tickets are sealed with: who comes back may come to any thread, and is spared half of the handshake. */
  readonly ticketKeys: Uint8Array;
  /** In ms. */
  readonly handshakeTimeout: number;
}

/** A certificate that clients will not accept any more. */
export interface ExpiredCertificate {
  /** The option that it was given by, with its file. */
  readonly certificate: string;
  /** When it expired, such as `Nov 22 16:54:48 2026 GMT`. */
  readonly expired: string;
}

/**
 * Reads the files that `options` name; errors name the options as `nameOf` does. `warn` hears of each certificate that has expired.
 * Throws HEDDLE_INVALID_OPTION for one that cannot be read or used.
 */
export function loadCredentials(
  options: TlsOptions,
  handshakeTimeout: number,
  nameOf: NameOf,
  warn: (expired: ExpiredCertificate) => void,
): Credentials {
  const { requestClientCert = false, alpn = [], sni = {}, start = 'now' } = options;
  const ca = options.ca === undefined ? undefined : loadCertificates(options.ca, nameOf('tls', '.ca'), warn);
  const others = Object.entries(sni).map(([name, pair]) => [
    name,
    loadPair(pair, (part) => nameOf('tls', `.sni['${name}']${part}`), warn),
  ]);
  return {
    ...loadPair(options, (part) => nameOf('tls', part), warn),
    ca,
    crl: options.crl === undefined ? [] : loadRevocations(options.crl, nameOf('tls', '.crl')),
    requestClientCert,
    alpn,
    sni: Object.fromEntries(others),
    start,
    ticketKeys: newTicketKeys(),
    handshakeTimeout,
  };
}

/** Reads a certificate and its key; `nameOf` says where they were given: `.cert` and `.key`. Throws HEDDLE_INVALID_OPTION. */
export function loadPair(
  pair: KeyPair,
  nameOf: (part: string) => string,
  warn: (expired: ExpiredCertificate) => void,
): PairText {
  const certificate = readPem(pair.cert, nameOf('.cert'));
  const first = parseCertificate(certificate, warn);
  const key = readPem(pair.key, nameOf('.key'));
  if (!first.checkPrivateKey(parseKey(key)))
    throw invalid(
      `the key in ${key.name} does not belong to the certificate in ${certificate.name}. Give the two that were made together`,
    );
  const texts = { cert: certificate.text, key: key.text };
  try {
    tls().createSecureContext(texts);
  } catch (cause) {
    throw invalid(`${certificate.name} and ${key.name} cannot be used for TLS: ${messageOf(cause)}`, cause);
  }
  return texts;
}

/** Reads the certificates of authorities. Throws HEDDLE_INVALID_OPTION. */
export function loadCertificates(pem: Pem, option: string, warn: (expired: ExpiredCertificate) => void): string {
  const read = readPem(pem, option);
  parseCertificate(read, warn);
  return read.text;
}

/** Reads lists of revoked certificates. Throws HEDDLE_INVALID_OPTION. */
function loadRevocations(pem: Pem, option: string): readonly string[] {
  const { text, name } = readPem(pem, option);
  const lists = text.match(REVOCATIONS) ?? [];
  if (lists.length === 0)
    throw invalid(`${name} has no list of revoked certificates in PEM form (-----BEGIN X509 CRL-----)`);
  attempt(`${name} has a list of revoked certificates that cannot be read`, () =>
    tls().createSecureContext({ crl: lists }),
  );
  return lists;
}

function parseCertificate({ text, name }: PemText, warn: (expired: ExpiredCertificate) => void): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('-----BEGIN TRUSTED CERTIFICATE-----')) {
    const swapped = text.includes('PRIVATE KEY-----') ? ': it has a private key. Are certificate and key swapped?' : '';
    throw invalid(`${name} has no certificate in PEM form (-----BEGIN CERTIFICATE-----)${swapped}`);
  }
  const certificate = attempt(`${name} has a certificate that cannot be read`, () => new X509Certificate(text));
  const { validTo } = certificate;
  if (Date.parse(validTo) < Date.now()) warn({ certificate: name, expired: validTo });
  return certificate;
}

function parseKey({ text, name }: PemText): KeyObject {
  if (!text.includes('PRIVATE KEY-----'))
    throw invalid(`${name} has no private key in PEM form (-----BEGIN PRIVATE KEY-----)`);
  if (text.includes('ENCRYPTED'))
    throw invalid(
      `${name} is encrypted. Give the key without a passphrase: openssl pkey -in encrypted.pem -out key.pem`,
    );
  return attempt(`${name} has a private key that cannot be read`, () => createPrivateKey(text));
}

/** Slow to load, and not every server has TLS. */
const tls = () => process.getBuiltinModule('node:tls');

function attempt<T>(problem: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw invalid(`${problem}: ${messageOf(cause)}. Is the file whole?`, cause);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function invalid(message: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message, { cause });
}
