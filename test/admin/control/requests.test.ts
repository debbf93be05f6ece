import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ClosedClients } from '../../../src/admin/control/closed-clients.ts';
import type { Controlled } from '../../../src/admin/control/controlled.ts';
import { controlReply } from '../../../src/admin/control/requests.ts';

const BAD = 'a\u2028b\u009bc\u202ed';

describe('an answer at the control socket', () => {
  it('has no character that a terminal acts upon, or that ends a line, whatever a client sent', async () => {
    const closed = new ClosedClients();
    const about = { client: 1, address: '10.0.0.1', port: 1, thread: 1, time: 0 };
    closed.add({ type: 'close', ...about, reason: 'tls-error', detail: BAD });
    const asked = { url: '/v1/clients?state=closed', method: 'GET' } as IncomingMessage;
    const reply = await controlReply(asked, { closed } as Controlled);
    const lines: string[] = [];
    if (reply !== undefined && 'lines' in reply) for await (const line of reply.lines) lines.push(line);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ detail: BAD });
  });
});
