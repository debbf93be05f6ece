/** Does what the first word of a line says, and answers the line. Lines of the benchmark's light clients are answered as these expect. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineService } from 'heddle';
import { burn } from '../../bench/services/burn-cpu.mjs';
import { pattern } from './pattern.mjs';

/** What `same` has answered, by size. */
const pieces = {};

const never = () => new Promise(() => {});

const ways = {
  throw(why = 'a fault on purpose') {
    throw new Error(why);
  },
  async reject(why = 'a fault on purpose') {
    throw new Error(why);
  },
  stick() {
    for (;;);
  },
  wait: never,
  exit() {
    process.exit(1);
  },
  memory() {
    const kept = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, () => kept.length));
  },
  uncaught() {
    setTimeout(() => ways.throw());
    return never();
  },
  unhandled() {
    void ways.reject();
    return never();
  },
  later: (ms) => delay(Number(ms), 'later'),
  large: (size) => pattern(Number(size)),
  /** The same, made once: what the server's memory grows by is what it keeps. */
  same: (size) => (pieces[size] ??= pattern(Number(size))),
  who: (_argument, { remoteAddress, remotePort }) => `${remoteAddress} ${remotePort}`,
};
/** What the benchmark's clients say to end a thread. */
ways['x'] = ways.exit;

/** `l` or `b`, and how many ms of CPU to burn. */
const LIGHT = /^[bl](\d{5})/;

export default defineService({
  message(line, client) {
    const text = line.toString('latin1');
    const [, ms] = LIGHT.exec(text) ?? [];
    if (ms !== undefined) return answerLight(line, Number(ms));
    const space = text.indexOf(' ');
    const [way, argument] = space < 0 ? [text] : [text.slice(0, space), text.slice(space + 1)];
    return Object.hasOwn(ways, way) ? ways[way](argument, client) : text;
  },
});

function answerLight(line, ms) {
  if (ms > 0) burn(ms);
  return line.reverse();
}
