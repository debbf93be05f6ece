/** Merges what flags, environment and config file say about TLS. */

import { resolve } from 'node:path';
import { HeddleError } from '../errors.ts';
import { isPath } from '../options/tls/pem.ts';
import type { NameOf } from '../options/source.ts';
import type { Pem, TlsOptions, TlsStart } from '../options/tls/tls-type.ts';

/** What a command is told, by flags and environment and, as `tls`, by the file. */
interface TlsSettings {
  readonly tls?: TlsOptions | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCrl?: string | undefined;
  readonly tlsRequestClientCert?: boolean | undefined;
  readonly tlsStart?: TlsStart | undefined;
}

/** Gives the options for TLS, paths from `directory`; undefined if none are given. Throws HEDDLE_INVALID_OPTION. */
export function tlsOptions(settings: TlsSettings, directory: string, nameOf: NameOf): TlsOptions | undefined {
  const { tls, tlsCert, tlsKey, tlsCa, tlsCrl, tlsRequestClientCert, tlsStart } = settings;
  const isGiven = [tlsCert, tlsKey, tlsCa, tlsCrl, tlsRequestClientCert, tlsStart].some((value) => value !== undefined);
  if (!isGiven) return tls;
  const files = {
    ...(tlsCert && { cert: tlsCert }),
    ...(tlsKey && { key: tlsKey }),
    ...(tlsCa && { ca: tlsCa }),
    ...(tlsCrl && { crl: tlsCrl }),
  };
  const { cert, key, ...rest } = { ...tls, ...resolveAll(files, directory) };
  if (cert === undefined) throw invalid('TLS needs a certificate: give its file with --tls-cert');
  if (key === undefined) throw invalid('TLS needs the private key of the certificate: give its file with --tls-key');
  const requestClientCert = tlsRequestClientCert ?? tls?.requestClientCert ?? false;
  if (requestClientCert && rest.ca === undefined)
    throw invalid(
      `${nameOf('tls', '.requestClientCert')} needs ${nameOf('tls', '.ca')}: the certificates of the authorities that sign client certificates`,
    );
  if (rest.crl !== undefined && !requestClientCert)
    throw invalid(
      `${nameOf('tls', '.crl')} needs ${nameOf('tls', '.requestClientCert')}: without it no client shows a certificate`,
    );
  return { ...rest, cert, key, requestClientCert, ...(tlsStart && { start: tlsStart }) };
}

/** Finds the files that `tls` names from `folder`. */
export function resolveTls(tls: TlsOptions, folder: string): TlsOptions {
  const sni = Object.entries(tls.sni ?? {}).map(([name, pair]) => [name, resolveAll(pair, folder)]);
  return { ...resolveAll(tls, folder), ...(tls.sni !== undefined && { sni: Object.fromEntries(sni) }) };
}

function resolveAll<T extends { readonly cert?: Pem; readonly key?: Pem; readonly ca?: Pem; readonly crl?: Pem }>(
  of: T,
  folder: string,
): T {
  const files = (['cert', 'key', 'ca', 'crl'] as const).map((name) => [name, of[name]] as const);
  const found = files.flatMap(([name, pem]) =>
    pem !== undefined && isPath(pem) ? [[name, resolve(folder, pem)] as const] : [],
  );
  return { ...of, ...Object.fromEntries(found) };
}

function invalid(message: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message);
}
