/** Names a server in errors and greetings: `127.0.0.1:12345`, `[::1]:12345` or `unix:/run/heddle.sock`. */
import { isIPv6 } from 'node:net';
import type { ConnectSettings } from '../options/connect-options.ts';

export function peerText({ host, port, unix }: Pick<ConnectSettings, 'host' | 'port' | 'unix'>): string {
  if (unix !== undefined) return `unix:${unix}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
