import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Hello } from '../../src/admin/view/frames.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

describe('heddle page', () => {
  it('serves the built page, shows the server, and sends a message to it', async () => {
    const environment = { XDG_RUNTIME_DIR: testFolder() };
    const serving = [HEDDLE, 'serve', '--port', '0', '--host', '127.0.0.1', '--framing', 'line'];
    await using server = new Running(process.execPath, serving, environment);
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await server.shows(/Connected to/);
    await using page = new Running(process.execPath, [HEDDLE, 'page'], environment);
    const [, origin = '', token = ''] = await page.shows(/^The page is at (http:\/\/127\.0\.0\.1:\d+)\/#(\S+)$/m);
    const html = await fetch(origin);
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await html.text()).toMatch(
      /^<!doctype html>[^]*<style>[^]+<\/style>[^]*<script>[^]+<\/script>\n<\/body>\n<\/html>\n$/,
    );
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    expect(await helloOf(origin, headers)).toMatchObject({
      rights: { kick: true, send: true },
      view: { server: { pid: server.child.pid }, clients: 1 },
      loom: { runs: [[1, expect.any(Number), 0, expect.any(Number), null, 0]], blocks: [] },
    });
    const body = JSON.stringify({ text: 'hello', framing: 'line' });
    const sent = await fetch(`${origin}/v1/send`, { method: 'POST', headers, body });
    expect(await sent.json()).toMatchObject({ reply: 'olleh', bytes: 5, ms: expect.any(Number) });
    page.child.kill('SIGTERM');
    expect(await page.finished()).toMatchObject({ status: 0, stderr: '' });
  });

  it('refuses a port that is none, and says so where there is no server', async () => {
    const environment = { XDG_RUNTIME_DIR: testFolder() };
    const wrong = await run(process.execPath, [HEDDLE, 'page', '--port', 'x'], '', environment);
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('--port is a number') });
    const nobody = await run(process.execPath, [HEDDLE, 'page'], '', environment);
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining('No server was found') });
  });
});

async function helloOf(origin: string, headers: Record<string, string>): Promise<Hello> {
  const stream = await fetch(`${origin}/v1/stream`, { headers });
  let text = '';
  for await (const piece of (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    text += piece;
    const [, hello] = /^event: hello\ndata: (.*)\n\n/.exec(text) ?? [];
    if (hello !== undefined) return JSON.parse(hello) as Hello;
  }
  throw new Error(`The stream has ended: ${text}`);
}
