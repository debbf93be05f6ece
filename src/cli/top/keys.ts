/** Reads keys out of what a terminal sends. */

/** Escape sequences of keys that are more than a character (ECMA-48, and xterm's for a keypad in application mode). */
const NAMES: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
};

// oxlint-disable-next-line no-control-regex
const KEY = /\x1b\[[\d;]*[A-Za-z~]|\x1bO[A-Z]|[^]/gu;

/** The keys in `text`: a name such as `up`, or the character. A sequence that is none of these is left out. */
export function keysIn(text: string): string[] {
  return [...text.matchAll(KEY)].map(([key]) => NAMES[key] ?? key).filter((key) => !key.startsWith('\x1b'));
}
