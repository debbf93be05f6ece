import { describe, expect, it } from 'vitest';
import { escapeText } from '../../src/log/escape.ts';

describe('escaping', () => {
  it.each([
    ['plain né 👩‍👩‍👧', 'plain né 👩‍👩‍👧'],
    ['a\nb\r\tc\0', 'a\\nb\\r\\tc\\0'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['\u009b31m', '\\x9b31m'],
    ['\u202eexe.txt', '\\u202eexe.txt'],
    ['\ud800 alone', '\\ud800 alone'],
    ['alone \udc00', 'alone \\udc00'],
  ])('writes %j as %s', (given, expected) => {
    expect(escapeText(given)).toBe(expected);
  });
});
