/** Types that are only to be left out. */
import { defineService } from 'heddle';
import { type Answer, answer } from './answer.ts';

export default defineService({
  framing: 'line',
  message: (message: Buffer): string => (answer satisfies Answer) + message.toString(),
});
