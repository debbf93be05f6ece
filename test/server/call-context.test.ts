import { describe, it } from 'vitest';
import { expectNobody, expectOwnSession } from './who.ts';

describe('what is entered in an AsyncLocalStorage', () => {
  it('by a handler or a hook is not there for the next one', () => expectNobody((running) => running.connect()));

  it('by a session is there for this session only', () => expectOwnSession((running) => running.connect()));
});
