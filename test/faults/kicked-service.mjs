/** The same, and counts the clients of which it is told that they were kicked. */
import { defineService } from 'heddle';
import service from './service.mjs';

let counted;

export default defineService({
  ...service,
  start({ shared }) {
    counted = shared.opened;
  },
  close(_client, reason) {
    if (reason === 'kicked') counted.add();
  },
});
