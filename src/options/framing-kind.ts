/** Used to read the framing of a server or a connection; a framing of the user's own is the service's to say. */

import { type FramingSpec, parseFramingSpec } from '../framing/framing.ts';
import { Expected } from './expected.ts';
import type { Kind } from './kind.ts';

export const framingKind: Kind<FramingSpec, FramingSpec> = {
  form: 'chunk|line|length[:1|2|4]|delimiter:TEXT|end',
  read(value) {
    if (typeof value === 'string') return parseFramingSpec(value);
    if (typeof value === 'object' && value !== null) return readObject(value);
    throw new Expected(EXPECTED);
  },
};

const EXPECTED = 'chunk, line, length, end, { length: 1, 2 or 4 } or { delimiter: text or bytes }';

function readObject(value: object): FramingSpec {
  if ('decode' in value)
    throw new Expected('a framing by name: one of your own belongs into the service, as its framing');
  const { length, delimiter, ...others }: { length?: unknown; delimiter?: unknown } = value;
  if (Object.keys(others).length > 0) throw new Expected(EXPECTED);
  if (delimiter === undefined && (length === 1 || length === 2 || length === 4)) return { length };
  if (length !== undefined) throw new Expected(EXPECTED);
  const isBytes = delimiter instanceof Uint8Array;
  if ((typeof delimiter !== 'string' && !isBytes) || delimiter.length === 0) throw new Expected(EXPECTED);
  return { delimiter };
}
