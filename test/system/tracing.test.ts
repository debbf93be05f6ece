import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { blocksOf, nameOf } from '../docs/blocks.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, Running } from './processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with the code of docs/tracing.md, in which `heddle` and OpenTelemetry can be imported. */
function tracedService(): string {
  const folder = testFolder();
  const code = blocksOf(readFileSync(join(ROOT, 'docs/tracing.md'), 'utf8')).filter(
    ({ language }) => language === 'js',
  );
  for (const block of code) writeFileSync(join(folder, nameOf(block)), block.text);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/heddle'));
  symlinkSync(join(ROOT, 'node_modules/@opentelemetry'), join(folder, 'node_modules/@opentelemetry'));
  return folder;
}

describe('the service of docs/tracing.md', () => {
  it('makes a span of each message, which tells errors', async () => {
    const folder = tracedService();
    const words = [HEDDLE, 'serve', join(folder, 'service.js'), '--port', '0', '--threads', '1', '--control', 'off'];
    await using server = new Running(process.execPath, words);
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    const client = connect(Number(port), '127.0.0.1');
    client.write('hello\n');
    expect(String((await once(client, 'data'))[0])).toBe('HELLO\n');
    const { localPort } = client;
    client.write('\n');
    await once(client, 'close');
    server.child.kill('SIGTERM');
    const { status, stdout } = await server.finished();
    expect(status).toBe(0);
    const spans = stdout.split(/^\{$/m).slice(1);
    const messages = spans.filter((span) => span.includes(`name: 'heddle message'`));
    expect(messages).toHaveLength(2);
    for (const span of messages) {
      expect(span).toContain('kind: 1,');
      expect(span).toContain(`'network.peer.address': '127.0.0.1'`);
      expect(span).toContain(`'network.peer.port': ${localPort}`);
      expect(span).toContain(`'heddle.client.id': 1`);
    }
    const [good, bad] = messages;
    expect(good).toContain(`'heddle.message.size': 5`);
    expect(good).toContain('status: { code: 0 }');
    expect(bad).toContain('status: { code: 2 }');
    expect(bad).toContain('an empty line');
    expect(spans.filter((span) => span.includes(`'heddle.thread.id': 1`))).toHaveLength(1);
  });
});
