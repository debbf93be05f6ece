import { describe, expect, it } from 'vitest';
import { formatFor, metricsText } from '../../src/admin/exposition.ts';
import { serverMetrics } from '../../src/admin/metrics.ts';
import { bucketOf, BUCKETS, toMicroseconds } from '../../src/sharing/latency-buckets.ts';
import { observed, stats } from './observed.ts';

/** Lines that are samples, not comments. */
function samples(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function counts(...seconds: number[]): Float64Array {
  const histogram = new Float64Array(BUCKETS);
  for (const each of seconds) {
    const bucket = bucketOf(toMicroseconds(each * 1000));
    histogram[bucket] = (histogram[bucket] as number) + 1;
  }
  return histogram;
}

describe('the metrics of a server', () => {
  it('are at most 210 series, and 5 for each thread', () => {
    const of = (threads: number): number => samples(serverMetrics(observed(threads), 'prometheus')).length;
    expect(of(24) - of(4)).toBeLessThanOrEqual(5 * 20);
    expect(of(24) - 24 * ((of(24) - of(4)) / 20)).toBeLessThanOrEqual(210);
  });

  it('count each wait in the buckets from its length on', () => {
    const response = counts(0.000_1, 0.003, 0.003, 2);
    const text = serverMetrics(observed(1, { stats: stats(1, { response }) }), 'prometheus');
    expect(text).toContain('heddle_response_seconds_bucket{le="0.000064"} 0\n');
    expect(text).toContain('heddle_response_seconds_bucket{le="0.000128"} 1\n');
    expect(text).toContain('heddle_response_seconds_bucket{le="0.004096"} 3\n');
    expect(text).toContain('heddle_response_seconds_bucket{le="+Inf"} 4\n');
    expect(text).toContain('heddle_response_seconds_count 4\n');
  });

  it('say which threads are blocked and who waits, and leave out threads that do not run', () => {
    const { threads } = stats(3);
    const now = threads.map(({ id }) => ({
      id,
      isRunning: id < 3,
      clients: 0,
      messages: 0,
      heapBytes: id * 2 ** 20,
      blockedMs: id === 2 ? 6_200 : 0,
    }));
    const behindBlocked = { session: 0, tls: 0, handler: 0, 'no-thread': 7 };
    const blocked = [{ thread: 2, ms: 6_200, moved: 0, code: 'load chat.ts:8' }];
    const lines = samples(
      serverMetrics(observed(3, { stats: stats(3, { threads: now, behindBlocked }), blocked }), 'prometheus'),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'heddle_threads{state="serving"} 1',
        'heddle_threads{state="blocked"} 1',
        'heddle_block_current_seconds 6.2',
        'heddle_clients_behind_blocked{why="no-thread"} 7',
        'heddle_thread_blocked_seconds{thread="2",code="load chat.ts:8"} 6.2',
        'heddle_thread_run_delay_seconds_total{thread="1"} 0.01',
        'heddle_thread_heap_bytes{thread="2"} 2097152',
      ]),
    );
    expect(lines.filter((line) => line.includes('thread="3"'))).toEqual([]);
  });

  it('say how full accept queues are, and when certificates expire', () => {
    const limits = observed(2, {
      acceptQueue: [{ listener: '[::1]:4000', length: 3, limit: 16 }],
      certificates: [{ certificate: 'a.example', expires: 1_800_000_000_000 }],
    });
    expect(samples(serverMetrics(limits, 'prometheus'))).toEqual(
      expect.arrayContaining([
        'heddle_accept_queue{listener="[::1]:4000"} 3',
        'heddle_accept_queue_limit{listener="[::1]:4000"} 16',
        'heddle_tls_certificate_expiry_timestamp_seconds{certificate="a.example"} 1800000000',
      ]),
    );
  });

  it('have no series for what is not known', () => {
    expect(serverMetrics(observed(2, { cpuTimeOf: () => undefined }), 'prometheus')).not.toContain('thread_cpu');
  });

  it('never name a client', () => {
    const names = samples(serverMetrics(observed(2), 'prometheus')).flatMap((line) => line.match(/\w+(?==")/g) ?? []);
    expect([...new Set(names)].sort()).toEqual(
      [
        'bound',
        'by',
        'cause',
        'engine',
        'kind',
        'le',
        'node',
        'reason',
        'result',
        'state',
        'thread',
        'version',
        'why',
      ].sort(),
    );
  });
});

describe('OpenMetrics', () => {
  it('is written for who asks for it', () => {
    expect(formatFor('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).toBe('openmetrics');
    expect([formatFor('text/plain'), formatFor('*/*'), formatFor(undefined)]).toEqual(Array(3).fill('prometheus'));
  });

  it('names families without their endings, says units, and has an end', () => {
    const text = serverMetrics(observed(1), 'openmetrics');
    expect(text).toContain('# TYPE heddle_clients_accepted counter\nheddle_clients_accepted_total 0\n');
    expect(text).toContain('# TYPE heddle info\nheddle_info{');
    expect(text).toContain('# TYPE heddle_response_seconds histogram\n# UNIT heddle_response_seconds seconds\n');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
  });

  it('escapes labels and help', () => {
    const labels = { name: 'a"b\\c\nd' };
    const metric = { name: 'x', type: 'gauge', help: 'a\nb\\', samples: [{ labels, value: Infinity }] } as const;
    expect(metricsText([metric], 'prometheus')).toBe(
      '# HELP x a\\nb\\\\\n# TYPE x gauge\nx{name="a\\"b\\\\c\\nd"} +Inf\n',
    );
  });
});
