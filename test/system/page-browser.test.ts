import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HEDDLE, here, Running } from './processes.ts';

/** A service in which `burn` blocks its thread for good. Its functions are called what a page must not take for markup. */
const SERVICE = `
import { defineService } from '${pathToFileURL(here('../../dist/index.js')).href}';
const code = {
  '<img src=x>'() { for (let n = 0; ; n = Math.sqrt(n + 1)); },
  '<b>message</b>'(line) { return String(line) === 'burn' ? code['<img src=x>']() : line; },
};
export default defineService({ framing: 'line', message: code['<b>message</b>'] });
`;
/** The loop, or its caller: what a thread that was busy elsewhere is seen in first. */
const LINE = /(<img src=x>|<b>message<\/b>) report\.mjs:\d/;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CLIENTS = 8;
const AT_MOST = { timeout: 60_000 };
const WIDTHS = [360, 1280, 2560];
const SCHEMES = ['light', 'dark'] as const;

interface Result {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly target: readonly unknown[] }[];
}

let server: Running;
let command: Running;
let browser: Browser;
let context: BrowserContext;
let url: string;
/** A browser takes a second to open a page: all tests look at the same one. */
let page: Page;
let debugging: CDPSession;
const environment = { XDG_RUNTIME_DIR: mkdtempSync(join(tmpdir(), 'heddle-test-')) };
const sockets: Socket[] = [];
let port: number;
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
  port = Number((await server.shows(/^Server running on port (\d+)$/m))[1]);
  for (let client = 0; client < CLIENTS; client++) await connectClient();
  command = new Running(process.execPath, [HEDDLE, 'page'], environment);
  [, url = ''] = await command.shows(/^The page is at (\S+)$/m);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  context = await browser.newContext();
  page = await openTab();
  debugging = await context.newCDPSession(page);
  // The page's policy lets no other script in; the debugger may.
  await debugging.send('Runtime.evaluate', { expression: AXE });
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await browser?.close();
  await command?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(environment.XDG_RUNTIME_DIR, { recursive: true, force: true });
});

beforeEach(() => void faults.splice(0));

async function connectClient(): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write('hello\n');
  await once(socket, 'data');
}

async function openTab(): Promise<Page> {
  const tab = await context.newPage();
  tab.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  tab.on('pageerror', (error) => faults.push(String(error)));
  await tab.goto(url);
  await tab.locator('#state', { hasText: 'ready' }).waitFor(AT_MOST);
  return tab;
}

async function violations(): Promise<string[]> {
  const { result } = await debugging.send('Runtime.evaluate', {
    expression: "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations))",
    awaitPromise: true,
    returnByValue: true,
  });
  const found = JSON.parse(String(result.value)) as readonly Result[];
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id} ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

async function isWiderThanScreen(): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

/** Has the tab believe that nobody sees it: a browser without a screen shows all tabs. */
async function setHidden(tab: Page, isHidden: boolean): Promise<void> {
  await tab.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} });
    document.dispatchEvent(new Event('visibilitychange'));`);
}

/** What axe says of the page as it is, and whether it scrolls sideways: at all widths, in both schemes. */
async function lookEverywhere(): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    expect(await isWiderThanScreen(), `${width} px`).toBe(false);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(), `${width} px, ${colorScheme}`).toEqual([]);
    }
  }
  expect(faults).toEqual([]);
}

describe('the page in a browser', () => {
  it('has nothing serious for axe, and scrolls down only, at all widths and in both schemes', async () => {
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
    await lookEverywhere();
    await page.keyboard.press('T');
  });

  it('finds a client, and kicks it once asked', async () => {
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
  });

  it('has its token in the address no more', async () => {
    expect(url).toMatch(/#.{43}$/);
    expect(page.url()).toBe(new URL('/', url).href);
    expect(await page.evaluate('location.href')).toBe(page.url());
  });

  it('sends a message, and shows the markup in a reply as text', async () => {
    const markup = '<img src=x onerror=alert(1)>';
    await page.locator('#send-text').fill(markup);
    await page.keyboard.press('Enter');
    await page.locator('#sent .reply', { hasText: markup }).waitFor(AT_MOST);
    expect(await page.locator('#sent img').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('shows a thread that becomes blocked, its stack, and the time before, by keys alone', async () => {
    await page.locator('#lane-figures li').nth(2).waitFor(AT_MOST);
    sockets[0]?.write('burn\n');
    await page.locator('#lane-names li.alarm', { hasText: 'blocked' }).waitFor(AT_MOST);
    await page.locator('#verdict', { hasText: 'No client waits for another.' }).waitFor(AT_MOST); // They have left.
    await page.locator('#details', { hasText: new RegExp(`client #1 .* ${LINE.source}`) }).waitFor(AT_MOST);
    await page.waitForFunction("document.title === '◐ blocked · report.mjs'", undefined, AT_MOST);
    await page.locator('#see-stack').focus();
    await page.keyboard.press('Enter');
    await page
      .locator('#stacks code', { hasText: new RegExp(`^${LINE.source}$`) })
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
    await lookEverywhere();
  });

  it('says that it hears nothing, also where another tab reads for it', async () => {
    const other = await openTab();
    const say = async (tabs: readonly Page[]): Promise<void> => {
      const said = { hasText: /stands still: .* No word for \d+ s\.$/ };
      await Promise.all(tabs.map(async (tab) => tab.locator('.is-silent #silent', said).waitFor(AT_MOST)));
    };
    const hear = async (): Promise<void> => {
      const hidden = { ...AT_MOST, state: 'hidden' } as const;
      await Promise.all([page, other].map(async (tab) => tab.locator('#silent').waitFor(hidden)));
    };
    const standing = page.evaluate('for (;;);').catch(String);
    await say([other]);
    await debugging.send('Runtime.terminateExecution');
    await standing;
    await hear();
    command.child.kill('SIGSTOP');
    try {
      await say([page, other]);
    } finally {
      command.child.kill('SIGCONT');
    }
    await hear();
    await other.close();
    expect(faults).toEqual([]);
  });

  it('reads one stream for eight tabs, and a hidden tab leaves it to another one', async () => {
    const readers: Page[] = [];
    context.on('request', (request) => request.url().endsWith('/v1/stream') && readers.push(request.frame().page()));
    const others = await Promise.all(Array.from({ length: 7 }, openTab));
    const show = async (tabs: readonly Page[], clients: number): Promise<void> => {
      const text = new RegExp(`^${clients}$`);
      await Promise.all(tabs.map(async (tab) => tab.locator('#tile-clients', { hasText: text }).waitFor(AT_MOST)));
    };
    await connectClient(); // One was kicked.
    await show([page, ...others], CLIENTS);
    expect(readers).toEqual([]); // The first tab reads already.
    await setHidden(page, true);
    await connectClient();
    await show(others, CLIENTS + 1);
    expect(await page.locator('#tile-clients').textContent()).toBe(`${CLIENTS}`);
    await setHidden(page, false);
    await show([page], CLIENTS + 1);
    expect(readers).toHaveLength(1);
    expect(others).toContain(readers[0]);
    expect(faults).toEqual([]);
  });
});
