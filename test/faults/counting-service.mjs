/** The same, and counts the clients that it is told of. */
import { defineService } from 'heddle';
import service from './service.mjs';

let opened;

export default defineService({
  ...service,
  start({ shared }) {
    opened = shared.opened;
  },
  open: () => void opened.add(),
});
