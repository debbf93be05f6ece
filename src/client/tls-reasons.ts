/** Explains an OpenSSL error, and what to do: an alert of the server may arrive long after the handshake (TLS 1.3). */
import type { NameOf } from '../options/source.ts';

type Reason = (nameOf: NameOf) => string;

const untrusted: Reason = (nameOf) =>
  `its certificate is not signed by an authority that is trusted here. If you trust its authority, name a file with the authority's certificate with ${nameOf('tls', '.ca')}`;

const refused: Reason = (nameOf) =>
  `the server does not take the certificate of this client. Give one that it knows with ${pair(nameOf)}`;

const REASONS: Readonly<Record<string, Reason>> = {
  EPROTO: () => 'the server does not speak TLS, or not as you do',
  ERR_SSL_WRONG_VERSION_NUMBER: (nameOf) => `the server does not speak TLS. Leave ${nameOf('tls')} out`,
  CERT_HAS_EXPIRED: () => 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: () => 'the certificate of the server is for another name. Is the host right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: (nameOf) =>
    `the server wants a certificate of this client. Give one that it knows with ${pair(nameOf)}`,
  // All that a server says with TLS 1.2.
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: (nameOf) =>
    `the server broke off the handshake. It may want a certificate of this client: give one that it knows with ${pair(nameOf)}`,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: refused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: refused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: refused,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: refused,
};

/** Says what an error of TLS is about; `undefined` if it is none that is known. */
export function tlsReason(cause: NodeJS.ErrnoException, nameOf: NameOf): string | undefined {
  // OpenSSL 3.5, in Node 24 and later, has another name for the alerts that came with SSL 3.
  const code = cause.code?.replace('SSL/TLS_ALERT', 'SSLV3_ALERT') ?? '';
  return REASONS[code]?.(nameOf);
}

function pair(nameOf: NameOf): string {
  return `${nameOf('tls', '.cert')} and ${nameOf('tls', '.key')}`;
}
