import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HEDDLE, here, Running } from './processes.ts';

/** A service in which `burn` blocks its thread for good. */
const SERVICE = `
import { defineService } from '${pathToFileURL(here('../../dist/index.js')).href}';
function slowReport() { for (let n = 0; ; n = Math.sqrt(n + 1)); }
export default defineService({
  framing: 'line',
  message: (line) => (String(line) === 'burn' ? slowReport() : line),
});
`;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CLIENTS = 8;
const AT_MOST = { timeout: 60_000 };

interface Result {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly target: readonly unknown[] }[];
}

let server: Running;
let command: Running;
let browser: Browser;
let url: string;
const environment = { XDG_RUNTIME_DIR: mkdtempSync(join(tmpdir(), 'heddle-test-')) };
const sockets: Socket[] = [];
/** What has gone wrong in the browser. */
const faults: string[] = [];

beforeAll(async () => {
  const service = join(environment.XDG_RUNTIME_DIR, 'report.mjs');
  writeFileSync(service, SERVICE);
  const serving = [
    'serve',
    service,
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--threads',
    '3',
    '--handler-timeout',
    'never',
  ];
  server = new Running(process.execPath, [HEDDLE, ...serving], environment);
  const [, port] = await server.shows(/^Server running on port (\d+)$/m);
  for (let client = 0; client < CLIENTS; client++) {
    const socket = connect(Number(port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write('hello\n');
    await once(socket, 'data');
  }
  command = new Running(process.execPath, [HEDDLE, 'page'], environment);
  [, url = ''] = await command.shows(/^The page is at (\S+)$/m);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await browser?.close();
  await command?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(environment.XDG_RUNTIME_DIR, { recursive: true, force: true });
});

beforeEach(() => void faults.splice(0));

async function openPage(width = 1280, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(url);
  await page.locator('#state', { hasText: 'ready' }).waitFor(AT_MOST);
  return page;
}

async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  // The page's policy lets no other script in; the debugger may.
  await session.send('Runtime.evaluate', { expression: AXE });
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run().then(({ violations }) => JSON.stringify(violations))',
    awaitPromise: true,
    returnByValue: true,
  });
  const found = JSON.parse(String(result.value)) as readonly Result[];
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id} ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

async function isWiderThanScreen(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

describe('the page in a browser', () => {
  it('finds a client, and kicks it once asked', async () => {
    const page = await openPage();
    await page.keyboard.press('/');
    await page.keyboard.insertText('#2');
    await page.locator('#clients-about', { hasText: /^1$/ }).waitFor(AT_MOST);
    expect(await page.locator('#clients tr').count()).toBe(1);
    const ended = once(sockets[1] as Socket, 'close');
    await page.locator('#clients .kick').click();
    expect(await page.locator('#kick-who').textContent()).toMatch(/^Kick client #2 \(127\.0\.0\.1:\d+\), on thread \d/);
    await page.keyboard.press('Enter'); // Keep has the focus.
    expect(await page.locator('#kick').isVisible()).toBe(false);
    await page.locator('#clients .kick').click();
    await page.locator('#kick-yes').click();
    await page.locator('#kick-said', { hasText: 'Client #2 was kicked.' }).waitFor(AT_MOST);
    await ended;
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('sends a message', async () => {
    const page = await openPage();
    await page.locator('#send-text').fill('over');
    await page.keyboard.press('Enter');
    await page.locator('#sent .reply', { hasText: 'over' }).waitFor(AT_MOST);
    await page.context().close();
  });

  it('shows a thread that becomes blocked, its stack, and the time before, by keys alone', async () => {
    const page = await openPage();
    await page.locator('#lane-figures li').nth(2).waitFor(AT_MOST);
    sockets[0]?.write('burn\n');
    await page.locator('#lane-names li.alarm', { hasText: 'blocked' }).waitFor(AT_MOST);
    await page.locator('#verdict', { hasText: 'No client waits for another.' }).waitFor(AT_MOST); // They have left.
    await page.locator('#details', { hasText: /client #1 .*report\.mjs:\d/ }).waitFor(AT_MOST);
    await page.waitForFunction("document.title === '◐ blocked · report.mjs'", undefined, AT_MOST);
    await page.locator('#see-stack').focus();
    await page.keyboard.press('Enter');
    await page
      .locator('#stacks code', { hasText: /^(slowReport|message) report\.mjs:\d$/ })
      .first()
      .waitFor(AT_MOST);
    await page.keyboard.press('Escape');
    await page.keyboard.press('T');
    expect(await page.locator('#threads tr.alarm').textContent()).toContain('blocked');
    await page.locator('#heats tr').nth(1).waitFor(AT_MOST);
    await page.locator('#heats tr td:nth-child(5)').first().waitFor(AT_MOST);
    await page.keyboard.press('Shift+ArrowLeft');
    await page.locator('#past-text', { hasText: /^−\d:\d\d$/ }).waitFor(AT_MOST);
    expect(await page.locator('#details').textContent()).toBe('');
    await page.keyboard.press('End');
    await page.locator('#past-text', { hasText: 'now' }).waitFor(AT_MOST);
    await page.context().close();
  });

  it.each([
    [360, 'light'],
    [1280, 'dark'],
    [2560, 'light'],
  ] as const)('has nothing serious for axe, and scrolls down only: %d px, %s', async (width, scheme) => {
    const page = await openPage(width, scheme);
    await page.locator('#client-panel').scrollIntoViewIfNeeded(); // Clients are asked for while they are seen.
    await page
      .locator('#clients tr')
      .nth(1)
      .waitFor({ ...AT_MOST, state: 'attached' });
    await page.keyboard.press('T');
    await page
      .locator('#heats td')
      .first()
      .waitFor({ ...AT_MOST, state: 'attached' });
    expect(await violations(page)).toEqual([]);
    expect(await isWiderThanScreen(page)).toBe(false);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
