/** Explains what TLS has found out about a client, or has against it. */
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { ClientTls } from '../connection/client.ts';

/** By the codes of Node and OpenSSL. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNRESET: 'it left before the handshake was done',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what it sent is not TLS',
  ERR_SSL_HTTP_REQUEST: 'it speaks HTTP without TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no TLS of version 1.2 or newer',
  ERR_SSL_VERSION_TOO_LOW: 'it speaks no TLS of version 1.2 or newer',
  ERR_SSL_NO_SHARED_CIPHER: 'it knows no cipher that the server uses',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'it speaks none of the protocols of tls.alpn',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by an authority in tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by an authority in tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by an authority in tls.ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed, and not one of tls.ca',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_REVOKED: 'its certificate was revoked',
  UNABLE_TO_GET_CRL: 'tls.crl has no list of the authority that issued its certificate',
  CRL_HAS_EXPIRED: 'the list in tls.crl has expired',
  CRL_NOT_YET_VALID: 'the list in tls.crl is not valid yet',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
};

/** Says what `error` has against the client. */
export function tlsProblem(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
  return PROBLEMS[code] ?? `${reason} (${code})`;
}

/** Says why the handshake on `socket` came to nothing; its certificate, if that was refused, counts for more than `error`. */
export function handshakeProblem(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // The types say Error; it is the code of one.
  const refused = socket.authorizationError as unknown;
  if (typeof refused !== 'string') return tlsProblem(error);
  return PROBLEMS[refused] ?? `its certificate is refused (${refused})`;
}

/** Gives what a service may know about the client of `socket`. */
export function describeTls(socket: TLSSocket): ClientTls {
  // Without a certificate it is an empty object, or null where the connection is gone.
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {};
  const subject = certificate.subject as ClientTls['subject'];
  return {
    authorized: socket.authorized,
    alpnProtocol: textOf(socket.alpnProtocol),
    servername: 'servername' in socket ? textOf(socket.servername) : undefined,
    subject: subject === undefined ? undefined : { ...subject },
    fingerprint256: certificate.fingerprint256,
    serialNumber: certificate.serialNumber,
  };
}

/** Node says `false` for nothing. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
