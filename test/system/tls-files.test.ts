import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve } from 'heddle';
import { afterAll, describe, expect, it } from 'vitest';
import { service, start } from '../server/running.ts';
import { Certificates, texts } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);
const other = certificates.issue('other', authority);
const missing = join(certificates.folder, 'missing.pem');
const empty = certificates.write('empty.pem', '');
const broken = certificates.write('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');

const brokenList = certificates.write('broken-list.pem', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');

const REFUSED: [what: string, tls: object, message: string | RegExp][] = [
  ['no key', { cert: tls.cert }, 'options.tls must have key: the path of a PEM file, or its text or bytes'],
  ['an unknown name', { ...tls, passphrase: 'secret' }, /^options\.tls has no passphrase; it has cert, key/],
  ['a wrong type', { ...tls, alpn: 'h2' }, 'options.tls has a wrong alpn: it must be a list of names of protocols'],
  ['no authority for clients', { ...tls, requestClientCert: true }, /must have ca/],
  [
    'a file that is not there',
    { ...tls, cert: missing },
    `options.tls.cert: cannot read ${missing}: there is no such file`,
  ],
  ['a folder', { ...tls, key: certificates.folder }, /^options\.tls\.key: cannot read .*: it is a directory$/],
  [
    'a file without a certificate',
    { ...tls, cert: empty },
    /^options\.tls\.cert \(.*empty\.pem\) has no certificate in PEM form/,
  ],
  [
    'a broken certificate',
    { ...tls, cert: broken },
    /^options\.tls\.cert \(.*broken\.pem\) has a certificate that cannot be read/,
  ],
  ['certificate and key swapped', { cert: tls.key, key: tls.cert }, /Are certificate and key swapped\?$/],
  [
    'the key of another certificate',
    { ...tls, key: other.key },
    /does not belong to the certificate in options\.tls\.cert/,
  ],
  [
    'the same for another name',
    { ...tls, sni: { a: { ...tls, key: other.key } } },
    /the key in options\.tls\.sni\['a'\]\.key/,
  ],
  [
    'lists of revoked certificates where none is shown',
    { ...tls, ca: tls.cert, crl: empty },
    /must have requestClientCert/,
  ],
  [
    'a file without a list of revoked certificates',
    { ...tls, ca: tls.cert, requestClientCert: true, crl: empty },
    /^options\.tls\.crl \(.*empty\.pem\) has no list of revoked certificates in PEM form/,
  ],
  [
    'a broken list of revoked certificates',
    { ...tls, ca: tls.cert, requestClientCert: true, crl: brokenList },
    /^options\.tls\.crl \(.*broken-list\.pem\) has a list of revoked certificates that cannot be read/,
  ],
  ['a name twice', { ...tls, sni: { 'a.test': tls, 'A.test': tls } }, 'options.tls has a.test twice in sni'],
  ['a broken authority', { ...tls, ca: empty }, /^options\.tls\.ca \(.*empty\.pem\) has no certificate/],
];

describe('serve', () => {
  it.each(REFUSED)('refuses %s before it listens', async (_what, given, message) => {
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    await expect(serve({ port: 0, tls: given as typeof tls })).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: expected,
    });
  });

  it('does not show a key in an error', async () => {
    const { key } = texts(tls);
    const wrong = [
      { tls: key },
      { tls: { key } },
      { tls: { ...texts(tls), kee: key } },
      { tls: { ...texts(tls), key: texts(other).key } },
    ];
    for (const options of wrong) {
      const error: unknown = await serve({ port: 0, ...(options as object) }).catch((caught: unknown) => caught);
      expect(String(error)).not.toMatch(/PRIVATE|MIG|MHc/);
    }
  });

  it('takes text and bytes as well as files', async () => {
    const { cert, key } = texts(tls);
    await using running = await start(service('commands'), { tls: { cert, key: Buffer.from(key) } });
    await using peer = await connectTls(running.port, authority);
    expect(await peer.ask('echo a')).toBe('a');
  });

  it('warns of a certificate that has expired', async () => {
    const old = certificates.issue('expired', authority, -1);
    await using running = await start(undefined, { tls: old });
    const [event] = await running.seen('certificate-expired');
    expect(event).toMatchObject({
      certificate: `options.tls.cert (${old.cert})`,
      expired: expect.stringMatching(/GMT$/),
    });
  });
});

describe('reload', () => {
  it('shows new clients the certificate that is there now, and keeps the old one if that cannot be used', async () => {
    const files = { cert: join(certificates.folder, 'live.pem'), key: join(certificates.folder, 'live.key.pem') };
    const put = (from: typeof tls): void => {
      copyFileSync(from.cert, files.cert);
      copyFileSync(from.key, files.key);
    };
    put(tls);
    await using running = await start(service('commands'), { tls: files });
    await using before = await connectTls(running.port, authority);
    expect(await before.ask('echo before')).toBe('before');
    writeFileSync(files.key, readFileSync(other.key));
    await expect(running.server.reload()).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION' });
    expect(await running.seen('reload-failed')).toHaveLength(1);
    await using still = await connectTls(running.port, authority);
    expect(await still.ask('echo still')).toBe('still');
    put(other);
    await running.server.reload();
    await using after = await connectTls(running.port, authority, { servername: 'other' });
    expect(await after.ask('echo after')).toBe('after');
    expect(await before.ask('echo there')).toBe('there');
  });
});
