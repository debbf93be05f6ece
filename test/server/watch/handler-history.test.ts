import { describe, expect, it } from 'vitest';
import { HandlerHistory } from '../../../src/server/watch/handler-history.ts';

const HOUR_MS = 3_600_000;

const look = (clients: number, handlersRunning: number, messages = 0) => ({ clients, handlersRunning, messages });

describe('the history of handlers', () => {
  it('knows the smallest part of the clients whose handlers waited in the last hour', () => {
    const history = new HandlerHistory();
    history.look(look(100, 1), HOUR_MS);
    for (let minute = 0; minute < 59; minute++) history.look(look(200, 60 + minute), HOUR_MS);
    expect(history.trend(0).usualShare).toBe(0.01);
    history.look(look(100, 90), HOUR_MS);
    expect(history.trend(0).usualShare).toBe(0.3);
  });

  it('has no usual part for a young server, and none of few clients', () => {
    const history = new HandlerHistory();
    history.look(look(100, 1), 299_999);
    history.look(look(49, 1), HOUR_MS);
    expect(history.trend(0)).toEqual({ answered: 0 });
  });

  it('counts what was answered since the look before the last one', () => {
    const history = new HandlerHistory();
    for (const messages of [10, 25, 100]) history.look(look(0, 0, messages), 0);
    expect(history.trend(130).answered).toBe(105);
  });
});
