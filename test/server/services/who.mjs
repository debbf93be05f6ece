/** Lines say who their client is, or ask who it is taken for: it is kept in a context of Node's. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';

export const user = new AsyncLocalStorage();

/** How often a hook has found somebody whom it should not: counted in `shared`. */
let strangers;

const found = () => user.getStore() ?? 'nobody';

export function note() {
  if (user.getStore() !== undefined) strangers.add();
}

export const hooks = {
  framing: 'line',
  start({ shared }) {
    strangers = shared.strangers;
  },
  open() {
    note();
    user.enterWith('opener');
  },
  close() {
    note();
    user.enterWith('closer');
  },
};

const ways = {
  login(name) {
    user.enterWith(name);
    return `hello ${name}`;
  },
  who: found,
  async later(name) {
    user.enterWith(name);
    await delay(1);
    return found();
  },
  run: (name) => user.run(name, found),
  nested: (name) => user.run('inner', () => ways.login(name)),
  throw(name) {
    user.enterWith(name);
    throw new Error('on purpose');
  },
};

export function answer(line) {
  const [way, name] = String(line).split(' ');
  return ways[way](name);
}

export default { ...hooks, message: answer };
