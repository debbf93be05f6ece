/** Says what one message is, as options and services give it. */
import type { AtEnd } from './frame.ts';
import type { HeadFraming } from './head.ts';
import type { LengthField } from './length-field.ts';
import type { LengthSize } from './length.ts';
import type { LineEnding } from './line.ts';
import type { Outside } from './marks.ts';

/** Bytes, or a string that means its UTF-8 bytes. */
export type Mark = string | Uint8Array;

/**
 * What one message is: what one read returned, a line, bytes after their length (4 bytes, big-endian, where no other
 * size is given), bytes up to a delimiter, or all until the client shuts down its side.
 *
 * `line` says what ends the lines that are sent: a line that is received may end with LF or CR LF.
 *
 * `delimiter` may be several: a message ends with the first of them that comes, and replies end with the first one given. With
 * `start`, a message begins with that mark; what is `outside` of the marks is an error (`refuse`, the default), or skipped.
 *
 * `atEnd` says what a last line, or last bytes, without its end are when the client finishes: a message (the default of `line`), or an
 * error (that of `delimiter`).
 */
export type FramingSpec =
  | 'chunk'
  | 'line'
  | 'length'
  | 'end'
  | { readonly line: LineEnding; readonly atEnd?: AtEnd | undefined }
  | { readonly length: LengthSize | LengthField }
  | {
      readonly delimiter: Mark | readonly Mark[];
      readonly start?: Mark | undefined;
      readonly outside?: Outside | undefined;
      readonly atEnd?: AtEnd | undefined;
    };

/** The framings of Heddle that a service may have. A `HeadFraming` has a function, which no option of a server can. */
export type ServiceFraming = FramingSpec | HeadFraming;
