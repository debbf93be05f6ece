/** Blocks its thread in a line that is known: each way is a function of its own. */
import { defineService } from 'heddle';

function first(end) {
  while (Date.now() < end);
}

function second(end) {
  let sum = 0;
  while (Date.now() < end) {
    for (let number = 0; number < 1000; number++) sum += Math.sqrt(number * sum);
  }
  return sum;
}

const third = (end) => {
  do;
  while (performance.timeOrigin + performance.now() < end);
};

const ways = { first, second, third };

export default defineService({
  framing: 'line',
  message(line) {
    const [way, ms] = line.toString().split(' ');
    ways[way](Date.now() + Number(ms));
    return way;
  },
});
