/** Defines the options of `connect`: the one schema behind their types, flags, environment names and docs. */

import * as v from 'valibot';
import { parseOptions } from './check.ts';
import { DEFAULT_PORT } from './default-port.ts';
import { connectFraming } from './values/framing-type.ts';
import { option } from './schema.ts';
import { connectTls } from './tls/tls-type.ts';
import { duration, host, integer, opaque, size, socketPath } from './values/value-types.ts';

const shape = {
  /**
   * The server's IP address or name.
   * @default '127.0.0.1'
   */
  host: option(v.optional(host(), '127.0.0.1'), { help: "the server's address" }),
  /**
   * The server's port.
   * @default 12345
   */
  port: option(v.optional(integer(1, 65535), DEFAULT_PORT), { help: "the server's port" }),
  /**
   * The path of the server's Unix socket, from the working directory, or `@name` of one without a file; then `host` and `port`
   * say nothing.
   * @default none
   */
  unix: option(v.optional(socketPath()), { help: "path of the server's Unix socket, instead of host and port" }),
  /**
   * What a message is; the same as the server's. In code it may be a framing of your own, whose `decode` takes what the server sends, and
   * whose `encode` makes what is sent to it.
   * @default 'chunk'
   */
  framing: option(v.optional(connectFraming, 'chunk'), { help: "what a message is; the same as the server's" }),
  /**
   * How long a message from the server may be, in bytes or as text.
   * @default '1MiB'
   */
  maxMessageLength: option(v.optional(size(1, 2 ** 30), '1MiB'), { help: 'how long a message may be' }),
  /**
   * How long connecting, and then each `receive` and `request`, may take, in milliseconds or as text;
   * Infinity is for ever.
   * @default Infinity
   */
  timeout: option(v.optional(duration(1, 'never'), 'never'), {
    help: 'how long connecting and each reply may take',
  }),
  /**
   * Speaks TLS: true, or `{ ca, cert, key, servername, rejectUnauthorized }`, where `ca`, `cert` and `key` are the paths of
   * PEM files, or their text or bytes. The server must show a certificate that is trusted and has its name.
   * @default false
   */
  tls: option(v.optional(connectTls), { help: 'speak TLS', preset: 'off' }),
  /**
   * Ends the connection, and whatever waits on it, when it is aborted.
   * @default none
   */
  signal: option(v.optional(opaque<AbortSignal>('an AbortSignal', (given) => given instanceof AbortSignal)), {
    help: 'ends the connection',
    reach: 'library',
  }),
};

export const connectSchema: v.StrictObjectSchema<typeof shape, undefined> = v.strictObject(shape);

/** What `connect` can be told. Durations are milliseconds or text such as `30s`, sizes bytes or text such as `64KiB`. */
export type ConnectOptions = Readonly<v.InferInput<typeof connectSchema>>;

/** The same with every default filled in. */
export type ConnectSettings = Readonly<v.InferOutput<typeof connectSchema>>;

/** Checks `input` and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function parseConnectOptions(input: ConnectOptions | undefined): ConnectSettings {
  return parseOptions(connectSchema, input);
}
