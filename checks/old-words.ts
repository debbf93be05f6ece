/** Finds words that were replaced: each idea has one word. */

/** What was said, and what is said now. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?<![A-Z])(?:AT_)?REST(?![A-Z_])|\b[Aa]t rest\b|\bisAtRest\b/, 'IDLE, idle'],
  [/(?<![A-Z])HELD(?![A-Z_])/, 'PINNED, pinned'],
  [
    /\bheld threads?\b|\bthreads? (?:is|are|was|were) (?:not )?held\b|\bheldSince\b|\bisOwing\b|\bcome round\b/,
    'blocked',
  ],
  [/\b(?:SlotHolder|[Ll]uggage|ProxyGate|[Hh]eirlooms?|Doorstep|SpareFile)\b/, 'the words of CONTRIBUTING.md'],
  [/\bRoster\b|\broster\b/, 'ThreadRegistry, registry'],
  [/\bNetCarrier\b|\bCarrier\b|\bMover\b/, 'Dispatcher, Migrator'],
  [/\bSweeper\b|\bsweeper\b/, 'DeadlineScan'],
  [/\bBell\b|\bbell\b/, 'Waker, waker'],
  [/\bSuccession\b|\bsuccession\b/, 'Handover'],
  [
    /^(?:export )?const (?:LOOK|PATIENCE|QUIET|LONG|OFTEN)\b.*;$/,
    'a name that says what is counted and ends in its unit',
  ],
];

/** A file begins with what it does. */
const OLD_HEADER = /^(?:#!.*\n)?\/\*\*(?:\n \*)? Used (?:to|by|for|when)\b/;

/** Says of each line of `text` what is wrong with it. */
export function oldWordsIn(text: string): readonly string[] {
  const header = OLD_HEADER.test(text) ? ['1: Used to …: begin with a verb in the present: Keeps, Decides, Reads'] : [];
  const lines = text.split('\n').flatMap((line, index) => {
    const found = WORDS.find(([word]) => word.test(line));
    return found === undefined ? [] : [`${index + 1}: ${found[0].exec(line)?.[0]?.trim()}: say ${found[1]}`];
  });
  return [...header, ...lines];
}
