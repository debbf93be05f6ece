import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { quietPort } from '../support/quiet-port.ts';
import { Certificates } from './certificates.ts';
import { here, Running, startHeddle } from './processes.ts';

/* What Prometheus and its promtool make of a running server, and of the files in deploy. */

const RULES = here('../../deploy/heddle-alerts.yml');
const DASHBOARD = here('../../deploy/grafana-heddle.json');
const AT_MOST = { timeout: 60_000, interval: 50 };

const certificates = new Certificates();
let server: Running & { readonly port: number };
/** Where its metrics are: an address and a port. */
let place: string;

beforeAll(async () => {
  const { cert, key } = certificates.issue('localhost', certificates.authority('authority'));
  const service = certificates.write(
    'service.mjs',
    `import { defineService } from '${pathToFileURL(here('../../dist/index.js')).href}';
    export default defineService({
      framing: 'line',
      async session(client) {
        for await (const line of client) for (const end = Date.now() + Number(line); Date.now() < end; );
      },
    });`,
  );
  const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-start', 'later'];
  server = await startHeddle(service, '--host', '127.0.0.1', ...tls, '--metrics', '127.0.0.1:0');
  [, place = ''] = await server.shows(/^Metrics .*?(127\.0\.0\.1:\d+)/m);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
});

const metrics = async (): Promise<string> => (await fetch(`http://${place}/metrics`)).text();

function promtool(words: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync('promtool', words, { input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

/** The series that a query is about: names, and labels that must have a value. */
function* selectors(query: string): Generator<readonly [string, readonly string[]]> {
  for (const [, name = '', labels = ''] of query.matchAll(/\b((?:heddle|process)_\w+)(?:\{([^}]*)\})?/g))
    yield [name, [...labels.matchAll(/\w+="[^"]*"/g)].map(([label]) => label)];
}

/** Those of the queries that no series of `text` can answer. */
function unanswered(queries: readonly string[], text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const isThere = ([name, labels]: readonly [string, readonly string[]]): boolean =>
    lines.some((line) => line.split(/[ {]/)[0] === name && labels.every((label) => line.includes(label)));
  return queries.filter((query) => ![...selectors(query)].every(isThere));
}

describe('the files in deploy', () => {
  it('have alert rules that promtool finds right, about series that a server has', async () => {
    expect(promtool(['check', 'rules', RULES])).toMatchObject({ status: 0, said: expect.not.stringMatching(/warn/i) });
    const queries = [...readFileSync(RULES, 'utf8').matchAll(/^ +expr: (.*)$/gm)].map(([, query]) => query as string);
    expect(queries.length).toBeGreaterThan(8);
    expect(unanswered(queries, await metrics())).toEqual([]);
  });

  it('have a dashboard about series that a server has', async () => {
    const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
      readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(15);
    expect(unanswered(queries, await metrics())).toEqual([]);
  });
});

describe('a running server', () => {
  it('has metrics that promtool finds right', async () => {
    expect(promtool(['check', 'metrics'], await metrics())).toEqual({ status: 0, said: '' });
  });

  it('is scraped by Prometheus, which raises the alert of a thread that is blocked', async () => {
    const folder = testFolder();
    const config = join(folder, 'prometheus.yml');
    const own = `127.0.0.1:${await quietPort()}`;
    writeFileSync(
      config,
      `global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 200ms }
rule_files: ['${RULES}']
scrape_configs: [{ job_name: heddle, static_configs: [{ targets: ['${place}'] }] }]`,
    );
    const words = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${own}`];
    await using prometheus = new Running('prometheus', words);
    const asked = async <T>(path: string): Promise<T> =>
      ((await (await fetch(`http://${own}/api/v1/${path}`)).json()) as { readonly data: T }).data;
    const rules = async (): Promise<readonly AlertRule[]> =>
      (await asked<{ readonly groups: readonly { readonly rules: readonly AlertRule[] }[] }>('rules')).groups.flatMap(
        (group) => group.rules,
      );
    await vi.waitFor(async () => {
      expect(prometheus.child.exitCode, prometheus.stderr).toBe(null);
      const { activeTargets } = await asked<{ readonly activeTargets: readonly Target[] }>('targets');
      expect(activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
      const all = await rules();
      expect(all.length).toBeGreaterThan(8);
      expect(all.filter(({ health, state }) => health !== 'ok' || state !== 'inactive')).toEqual([]);
    }, AT_MOST);
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write('20000\n');
    await vi.waitFor(async () => {
      const firing = (await rules()).filter(({ state }) => state === 'firing');
      expect(firing.map(({ name }) => name)).toEqual(['HeddleThreadBlocked']);
    }, AT_MOST);
    expect((await rules()).filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});

interface Target {
  readonly health: string;
  readonly lastError: string;
}

interface AlertRule {
  readonly name: string;
  readonly state: string;
  readonly health: string;
}
