/** Formats a reply for a person: text, without its line ending, and with nothing that a terminal acts upon. */

import { escapeText } from '../../log/escape.ts';

export function replyText(reply: Buffer): string {
  return escapeText(reply.toString('utf8').replace(/\r?\n$/, ''));
}
