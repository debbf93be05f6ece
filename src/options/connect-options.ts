/** Used to say what `connect` can be told: the one table behind its types, flags, environment names and docs. */

import { parseOptions } from './check.ts';
import { framingKind } from './framing-kind.ts';
import { duration, host, integer, size, opaque } from './kind.ts';
import { option, optional, type OptionsOf, type SettingsOf } from './option.ts';
import { DEFAULT_MAX_MESSAGE_LENGTH, DEFAULT_PORT } from './serve-options.ts';

export const connectSchema = {
  /**
   * The server's IP address or name.
   * @default '127.0.0.1'
   */
  host: option(host(), '127.0.0.1', { help: "the server's address", text: '127.0.0.1' }),
  /**
   * The server's port.
   * @default 12345
   */
  port: option(integer(1, 65535), DEFAULT_PORT, { help: "the server's port", text: '12345' }),
  /**
   * What a message is; the same as the server's.
   * @default 'chunk'
   */
  framing: option(framingKind, 'chunk', { help: "what a message is; the same as the server's", text: 'chunk' }),
  /**
   * How long a message from the server may be, in bytes or as text.
   * @default '1MiB'
   */
  maxMessageLength: option(size(1, 2 ** 30), DEFAULT_MAX_MESSAGE_LENGTH, {
    help: 'how long a message may be',
    text: '1MiB',
  }),
  /**
   * How long connecting, and then each `receive` and `request`, may take, in milliseconds or as text;
   * Infinity is for ever.
   * @default Infinity
   */
  timeout: option(duration(1, 'never'), Infinity, {
    help: 'how long connecting and each reply may take',
    text: 'never',
  }),
  /**
   * Ends the connection, and whatever waits on it, when it is aborted.
   * @default none
   */
  signal: optional(opaque('an AbortSignal', isSignal), { help: 'ends the connection', reach: 'library' }),
};

/** What `connect` can be told. Durations are milliseconds or text such as `30s`, sizes bytes or text such as `64KiB`. */
export type ConnectOptions = OptionsOf<typeof connectSchema>;

/** The same with every default filled in. */
export type ConnectSettings = SettingsOf<typeof connectSchema>;

/** Checks `input` and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function parseConnectOptions(input: ConnectOptions | undefined): ConnectSettings {
  return parseOptions(connectSchema, input);
}

function isSignal(given: unknown): given is AbortSignal {
  return given instanceof AbortSignal;
}
