/** Names an option the way the user wrote it: in code, as a flag, in the environment, in a config file. */

/** Where options came from. */
export type OptionSource =
  | { readonly from: 'library' }
  | { readonly from: 'flags' }
  | { readonly from: 'environment' }
  | { readonly from: 'file'; readonly path: string };

export const LIBRARY: OptionSource = { from: 'library' };

/** `maxMessageLength` → `--max-message-length`. */
export function flagName(name: string): string {
  return `--${dashed(name)}`;
}

/** `maxMessageLength` → `HEDDLE_MAX_MESSAGE_LENGTH`. */
export function environmentName(name: string): string {
  return `HEDDLE_${dashed(name).replaceAll('-', '_').toUpperCase()}`;
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** How an error names option `name` (with `path` inside it, such as `.min`). */
export function nameIn(source: OptionSource, name: string, path = ''): string {
  if (source.from === 'flags') return flagName(name);
  if (source.from === 'environment') return environmentName(name);
  if (source.from === 'file') return `${name}${path} in ${source.path}`;
  return `options.${name}${path}`;
}

/** Names an option, with `path` inside it, by what the user wrote, or would have to write. */
export type NameOf = (name: string, path?: string) => string;

/** How the library names its options. */
export const nameInLibrary: NameOf = (name, path) => nameIn(LIBRARY, name, path);

/** Whether `value` is text that may stand for a value of another type. */
export function isText(value: unknown, source: OptionSource): value is string {
  return typeof value === 'string' && (source.from === 'flags' || source.from === 'environment');
}
