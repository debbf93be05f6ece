/** `login NAME` enters a name for whatever comes after it in the same call, and `who` says whose call it is. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { defineService } from 'heddle';

const names = new AsyncLocalStorage();

export default defineService({
  encoding: 'utf8',
  open: () => names.enterWith('opened'),
  close: () => names.enterWith('closed'),
  message(line) {
    if (line.startsWith('login ')) names.enterWith(line.slice(6));
    return names.getStore() ?? 'nobody';
  },
});
