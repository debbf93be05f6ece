import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { jsonLine } from '../../src/log/json-line.ts';

const CLOSE = { type: 'close', time: 1, client: 7, address: '::1', port: 5, thread: 2, reason: 'bad-frame' } as const;

describe('a line of JSON', () => {
  it('is the event', () => {
    const text = '{"type":"close","time":1,"client":7,"address":"::1","port":5,"thread":2,"reason":"bad-frame"}';
    expect(jsonLine(CLOSE)).toEqual({ to: 'stdout', text });
  });

  it('is one line without control codes that reads back as the event, whatever a client sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (detail) => {
        const event: ServerEvent = { ...CLOSE, detail };
        const { text } = jsonLine(event);
        // oxlint-disable-next-line no-control-regex
        expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        expect(JSON.parse(text)).toEqual(event);
      }),
    );
  });
});
