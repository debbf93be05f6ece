/** Knows the package that Heddle is in. A file of `server` is two folders below it, in the source and where it is bundled. */
import { readFileSync } from 'node:fs';

/** Where Heddle's code is. */
const OWN_FOLDER = new URL('.', import.meta.url).href.replace(/[^/]+\/$/, '');

let version: string | undefined;

export function ownVersion(): string {
  version ??= (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
  return version;
}

/** Whether a file is the service's, or a library's that it uses. */
export function isOfService(url: string): boolean {
  return url !== '' && !url.startsWith('node:') && !url.startsWith(OWN_FOLDER);
}
