/** Finds the module of the service. */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Built-in services are built into files beside the one that this module is built into. */
export const builtIn = (name: 'reverse' | 'reverse-bytes'): URL => new URL(`./${name}.cjs`, import.meta.url);

/** Gives the URL of `service`, a URL or a path from the working directory; the built-in reverse service if undefined. */
export function serviceUrl(service: URL | string | undefined): URL {
  if (service === undefined) return builtIn('reverse');
  if (service instanceof URL) return service;
  return service.startsWith('file:') ? new URL(service) : pathToFileURL(resolve(service));
}

/** Names the module of a service in an error. */
export function serviceText(url: URL): string {
  return url.protocol === 'file:' ? fileURLToPath(url) : url.href;
}
