/**
 * Answers numbered lines (`numbering.mjs`) with themselves and its thread. `hold` blocks its thread as `held.mjs` does, `die` ends it,
 * `plain` goes on with lines that have no number, and `numbers` back to those that have.
 */
import { defineService } from 'heddle';
import { numbered } from './numbering.mjs';

let gate;
let place = '';
export default defineService({
  framings: { numbers: numbered, plain: { line: 'lf' } },
  start({ id, shared }) {
    gate = shared.gate;
    place = (shared.server ?? '') + id;
  },
  message(message, client) {
    const text = String(message);
    if (text === 'hold') {
      Atomics.add(gate, 1, 1);
      Atomics.wait(gate, 0, 0);
    }
    if (text === 'die') process.exit(1);
    if (text === 'later') return new Promise((resolve) => setImmediate(resolve, 'late'));
    if (text === 'plain' || text === 'numbers') client.framing = text;
    if (text === 'keep') client.state = { kept: 'by the service' };
    if (text === 'kept') return `${client.state?.kept}`;
    return `${text} ${place}`;
  },
});
