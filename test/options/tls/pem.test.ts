import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPem } from '../../../src/options/tls/pem.ts';
import { testFolder } from '../../support/folder.ts';

it('a byte order mark before a certificate is left out, in a file, in text and in bytes', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const file = join(testFolder(), 'cert.pem');
  writeFileSync(file, `\uFEFF${pem}`);
  expect([file, `\uFEFF${pem}`, Buffer.from(`\uFEFF${pem}`)].map((given) => readPem(given, 'tls.cert').text)).toEqual([
    pem,
    pem,
    pem,
  ]);
});
