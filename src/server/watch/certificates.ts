/** Says when the certificates of a server expire. */
import { X509Certificate } from 'node:crypto';
import type { CertificateExpiry } from '../../admin/observed.ts';
import type { Credentials } from '../../options/tls/credentials.ts';

/** The certificates that clients may be shown: each by the host name that a client asks for, the usual one by a name of its own. */
export function certificateExpiries({ cert, sni }: Pick<Credentials, 'cert' | 'sni'>): CertificateExpiry[] {
  const usual = new X509Certificate(cert);
  const others = Object.entries(sni).map(([name, pair]) => expiryOf(name, new X509Certificate(pair.cert)));
  return [expiryOf(nameOn(usual), usual), ...others];
}

function expiryOf(certificate: string, { validTo }: X509Certificate): CertificateExpiry {
  return { certificate, expires: Date.parse(validTo) };
}

/** Its first host name or address, else the name of its subject. */
function nameOn({ subject, subjectAltName = '' }: X509Certificate): string {
  const [, host] = /^(?:DNS|IP Address):([^,]+)/.exec(subjectAltName) ?? [];
  const [, common] = /^CN=(.+)$/m.exec(subject) ?? [];
  return host ?? common ?? 'default';
}
