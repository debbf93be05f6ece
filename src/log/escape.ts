/** Makes text that a client may have chosen safe to print: one line, nothing that a terminal acts upon. */

/**
 * Control codes, those from U+0080 too (U+009B alone starts an escape sequence in some terminals), line and paragraph
 * separators, the marks that turn the direction of text, halves of surrogate pairs, and the invisible U+FEFF.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}\ufeff]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

/** Writes every unsafe character of `text` as an escape such as `\n`, `\x1b` or `\u202e`. */
export function escapeText(text: string): string {
  return text.replaceAll(UNSAFE, (character) => SHORT[character] ?? escapeCode(character.charCodeAt(0)));
}

function escapeCode(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Escapes what JSON leaves as it is; the result is the same JSON value. */
export function escapeJson(json: string): string {
  return json.replaceAll(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
