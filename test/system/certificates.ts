/** Certificates for one test run, made by openssl in a folder of their own: no private key is checked in. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

export class Certificates implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'heddle-tls-'));
  #lists = 0;

  /** Makes the pair of an authority. */
  authority(name: string): Pair {
    const pair = this.#paths(name);
    const args = ['req', '-x509', ...newKey(pair), '-days', '30', '-subj', `/CN=${name}`, '-out', pair.cert];
    this.#openssl(args);
    return pair;
  }

  /** Makes a pair for `name` that `authority` signed; with `days` below zero it has expired. */
  issue(name: string, authority: Pair, days = 30): Pair {
    const pair = this.#paths(name);
    const request = join(this.folder, `${name}.csr`);
    const extensions = join(this.folder, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=DNS:${name},IP:127.0.0.1\n`);
    this.#openssl(['req', ...newKey(pair), '-subj', `/O=Heddle/CN=${name}`, '-out', request]);
    const signed = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-extfile', extensions];
    this.#openssl(['x509', '-req', '-in', request, ...signed, '-days', `${days}`, '-out', pair.cert]);
    return pair;
  }

  /** Has `authority` revoke the certificates of `pairs`; gives the path of its list, which is good for `days` (below zero: it has expired). */
  revoke(authority: Pair, pairs: readonly Pair[], days = 30): string {
    const list = join(this.folder, `revoked-${++this.#lists}.pem`);
    const config = this.write(
      `ca-${this.#lists}.cnf`,
      `[ca]\ndefault_ca=a\n[a]\ndatabase=${this.write(`index-${this.#lists}.txt`, '')}\ndefault_md=sha256\n`,
    );
    const ca = ['ca', '-config', config, '-cert', authority.cert, '-keyfile', authority.key];
    for (const { cert } of pairs) this.#openssl([...ca, '-revoke', cert]);
    const next = new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
    this.#openssl([...ca, '-gencrl', '-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', next, '-out', list]);
    return list;
  }

  /** Writes a file and gives its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #paths(name: string): Pair {
    return { cert: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key.pem`) };
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

/** What `tls.connect` takes: the text of the files. */
export function texts({ cert, key }: Pair): { cert: string; key: string } {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

function newKey(pair: Pair): readonly string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', pair.key];
}
