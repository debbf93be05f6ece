/** Names an option by what the user wrote: flag, variable or key of the config file. */

import { flagName, type NameOf, nameIn, type OptionSource } from '../options/source.ts';

/** The options that were given in one source. */
export interface NamedLayer {
  readonly source: OptionSource;
  readonly given: Readonly<Record<string, unknown>>;
}

/** What is a part of `tls` in the library, and in the file, is an option of its own on the command line. */
const TLS_PARTS: Readonly<Record<string, string>> = {
  '.cert': 'tlsCert',
  '.key': 'tlsKey',
  '.ca': 'tlsCa',
  '.crl': 'tlsCrl',
  '.requestClientCert': 'tlsRequestClientCert',
  '.start': 'tlsStart',
};

/** Names options by the first of `layers` that has them; what none has goes by its flag. */
export function namesIn(layers: readonly NamedLayer[]): NameOf {
  const find = (name: string): NamedLayer | undefined => layers.find(({ given }) => given[name] !== undefined);
  const byItself = (name: string, path: string): string | undefined => {
    const layer = find(name);
    return layer && nameIn(layer.source, name, path);
  };
  return (name, path = '') => {
    if (name !== 'tls') return byItself(name, path) ?? flagName(name);
    const part = TLS_PARTS[path];
    if (part !== undefined) return byItself(part, '') ?? inFile(find(name), path) ?? flagName(part);
    return [name, ...Object.values(TLS_PARTS)].map((each) => byItself(each, path)).find(Boolean) ?? flagName(name);
  };
}

/** Names a part of `tls`; as a flag, that is only a switch. */
function inFile(layer: NamedLayer | undefined, path: string): string | undefined {
  return layer?.source.from === 'file' ? nameIn(layer.source, 'tls', path) : undefined;
}
