import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { certificateExpiries } from '../../../src/server/watch/certificates.ts';
import { Certificates, type Pair } from '../../system/certificates.ts';

const DAY_MS = 86_400_000;
const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());

const text = ({ cert, key }: Pair) => ({ cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') });

describe('the certificates of a server', () => {
  it('are named by the host that they are for, with the day that they expire', () => {
    const authority = certificates.authority('authority');
    const [usual, other] = [certificates.issue('a.example', authority), certificates.issue('b.example', authority, 3)];
    const found = certificateExpiries({ cert: text(usual).cert, sni: { '*.b.example': text(other) } });
    expect(found.map(({ certificate }) => certificate)).toEqual(['a.example', '*.b.example']);
    const days = found.map(({ expires }) => Math.round((expires - Date.now()) / DAY_MS));
    expect(days).toEqual([30, 3]);
    // An authority's own certificate names no host: its subject does.
    const [{ certificate } = { certificate: '' }] = certificateExpiries({ cert: text(authority).cert, sni: {} });
    expect(certificate).toBe('authority');
  });
});
