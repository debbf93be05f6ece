/** Says what one message is, as options and services give it. */
import type { AtEnd } from './frame.ts';
import type { LengthSize } from './length.ts';

/**
 * What one message is: what one read returned, a line, bytes after their length (4 bytes, big-endian, where no other
 * size is given), bytes up to a delimiter (a string means its UTF-8 bytes), or all until the client shuts down its side.
 *
 * `atEnd` says what a last line, or last bytes, without its end are when the client finishes: a message (the default of `line`), or an
 * error (that of `delimiter`).
 */
export type FramingSpec =
  | 'chunk'
  | 'line'
  | 'length'
  | 'end'
  | { readonly line: 'lf'; readonly atEnd?: AtEnd | undefined }
  | { readonly length: LengthSize }
  | { readonly delimiter: string | Uint8Array; readonly atEnd?: AtEnd | undefined };
