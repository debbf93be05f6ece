/** Takes the picture of `heddle page` for the README, of a server with clients: `npm run picture`. Needs `chromium`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

const ROOT = resolve(import.meta.dirname, '..');
const HEDDLE = join(ROOT, 'dist/cli/main.js');
const PICTURE = join(ROOT, 'docs/pictures/page.png');
const SIZE = { width: 1200, height: 690, deviceScaleFactor: 1, mobile: false };
const CLIENTS = 160;
/** How long the picture goes back, and how long a thread has been blocked in it, in ms. */
const HISTORY_MS = 26_000;
const BLOCKED_MS = 4_000;

const SERVICE = `
import { defineService } from ${JSON.stringify(join(ROOT, 'dist/index.js'))};
function slowReport(ms) {
  const end = performance.now() + ms;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return String(sum);
}
export default defineService({
  framing: 'line',
  message: (line) => (line[0] === 98 ? slowReport(Number(line.subarray(1))) : line),
});
`;

const folder = mkdtempSync(join(tmpdir(), 'heddle-picture-'));
const service = join(folder, 'report.mjs');
writeFileSync(service, SERVICE);
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

/** Starts a command; gives what the first group of `pattern` finds in what it prints. */
async function start(command: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const child = spawn(command, args, { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  children.push(child);
  let printed = '';
  for await (const piece of pattern.source.includes('DevTools') ? child.stderr : child.stdout) {
    const [, found] = pattern.exec((printed += String(piece))) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error(`${command} has ended: ${printed}`);
}

/** Says a line each 200 to 400 ms. */
function talk(port: number): void {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('data', () => setTimeout(() => socket.write('hello\n'), 200 + Math.random() * 200));
  socket.write('hello\n');
}

function burn(port: number, ms: number): void {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('data', () => socket.end());
  socket.write(`b${ms}\n`);
}

/** Asks the browser's first page, by the Chrome DevTools Protocol. */
async function browserPage(origin: string): Promise<(method: string, params?: object) => Promise<{ data?: string }>> {
  const list = await fetch(`${origin.replace('ws:', 'http:')}/json`);
  const pages = (await list.json()) as readonly { readonly type: string; readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(pages.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  let last = 0;
  return async (method, params = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [answer] = (await once(socket, 'message')) as [Buffer];
      const told = JSON.parse(String(answer)) as { readonly id?: number; readonly result?: { readonly data?: string } };
      if (told.id === id) return told.result ?? {};
    }
  };
}

try {
  const serving = [HEDDLE, 'serve', service, '--port', '0', '--host', '127.0.0.1', '--threads', '5'];
  const port = Number(await start(process.execPath, serving, /running on port (\d+)/));
  for (let client = 0; client < CLIENTS; client++) talk(port);
  const url = await start(process.execPath, [HEDDLE, 'page'], /(http:\S+)/);
  const flags = ['--headless=new', '--no-sandbox', '--remote-debugging-port=0', `--user-data-dir=${folder}/browser`];
  const ask = await browserPage(await start('chromium', flags, /DevTools listening on (ws:\/\/[\d.:]+)/));
  await ask('Emulation.setDeviceMetricsOverride', SIZE);
  await ask('Emulation.setScrollbarsHidden', { hidden: true });
  await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  await ask('Page.navigate', { url });
  await delay(HISTORY_MS / 2);
  burn(port, 1500);
  await delay(HISTORY_MS / 2);
  burn(port, BLOCKED_MS * 2);
  await delay(BLOCKED_MS);
  const { data = '' } = await ask('Page.captureScreenshot', { format: 'png' });
  writeFileSync(PICTURE, Buffer.from(data, 'base64'));
} finally {
  for (const socket of sockets) socket.destroy();
  for (const child of children.toReversed()) child.kill();
  await delay(1_000);
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
