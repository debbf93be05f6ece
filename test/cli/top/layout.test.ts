import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/admin/view/view.ts';
import { layout } from '../../../src/cli/top/layout.ts';
import { cut, lineText, padded, widthOf, wrap } from '../../../src/cli/top/line.ts';
import { bar } from '../../../src/cli/top/tables.ts';
import { BLOCKED_THREAD, sample, thread, waiting } from '../../admin/view/sample.ts';

const FOOTER = [['q quit']] as const;
const BLOCKED = viewOf(
  sample(
    {
      verdict: { text: `No client waits for another. Thread 2 has been blocked for 6.2 s.`, waiting: 0, blocked: [] },
      threads: [thread(1), BLOCKED_THREAD, ...Array.from({ length: 10 }, (_, index) => thread(index + 3))],
      codes: [{ code: 'slowReport report.ts:41', count: 3, lastHour: 3, longestMs: 6200, totalMs: 7000, moved: 203 }],
    },
    [waiting()],
  ),
);

function textsOf(columns: number, rows: number, view = BLOCKED): string[] {
  return layout(view, { columns, rows, footer: FOOTER }).map((line) => lineText(line, columns, false));
}

describe('the layout of a terminal', () => {
  it.each([
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 4],
    [1, 1],
  ])('fills %d × %d and no more, and ends with the keys', (columns, rows) => {
    const lines = textsOf(columns, rows);
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect('q quit'.startsWith(lines.at(-1)?.replace('…', '') ?? 'nothing')).toBe(true);
  });

  it('says in 40 × 10 who waits and which thread is blocked', () => {
    const text = textsOf(40, 10).join('\n');
    expect(text).toContain('No client waits for another. Thread 2');
    expect(text).toMatch(/^ +2 +blocked 6\.2 s/m);
    expect(text).toMatch(/\d+ more threads/);
  });

  it('has room in 80 × 24 for threads, who waits, and code', () => {
    const text = textsOf(80, 24).join('\n');
    expect(text).toContain('its own message, on thread 2');
    expect(text).toMatch(/6\.2 s +3 +203 +slowReport report\.ts:41/);
  });

  it('shows all threads without end where all is printed', () => {
    const text = layout(BLOCKED, { columns: 120, rows: Infinity }).map((line) => lineText(line, 120, false));
    expect(text.filter((line) => line.includes('serving'))).toHaveLength(11);
  });

  it('keeps the columns where they are when figures change', () => {
    const busy = viewOf(sample({ threads: [thread(1, { clients: 123_456 }), thread(2)] }));
    const headOf = (view: typeof busy) => textsOf(80, 24, view).find((line) => line.includes('THREAD'));
    expect(headOf(busy)).toBe(headOf(viewOf(sample())));
  });

  it('says what became of the last deploy, and that the old process still serves', () => {
    expect(textsOf(120, 24, viewOf(sample())).filter((line) => /^(deploy|old) /.test(line))).toEqual([]);
    const deploy = {
      kind: 'reload',
      result: 'success',
      threads: 4,
      ms: 812,
      clients: 1024,
      moved: 1011,
      stayed: 13,
      dropped: 0,
    } as const;
    const predecessor = { pid: 4711, clients: 3 };
    const view = viewOf(sample({ time: 8_000, deploys: [{ ...deploy, time: 1_000 }], predecessor }));
    expect(textsOf(120, 24, view).filter((line) => /^(deploy|old) /.test(line))).toEqual([
      'old       process 4711 still serves 3 clients',
      'deploy    7.0 s ago: reload, 4 threads, 0.8 s: 1,024 = 1,011 moved + 13 stayed until they left + 0 dropped',
    ]);
  });

  it('has nothing that a terminal acts upon, whatever files and clients are called', () => {
    const { server } = sample().snapshot;
    const view = viewOf(
      sample({ server: { ...server, service: 'file:///a/\x1b[2Jevil.ts' } }, [waiting({ code: '\x9b31m' })]),
    );
    // oxlint-disable-next-line no-control-regex
    expect(textsOf(200, 40, view).join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });

  it('has colours only where they are wanted', () => {
    const [line] = [[['blocked', 'alarm'], [' by #1']] as const];
    expect(lineText(line, 80, true)).toBe('\x1b[1;31mblocked\x1b[22;39m by #1');
    expect(lineText(line, 80, false)).toBe('blocked by #1');
    expect(lineText(line, 4, true)).toBe('\x1b[1;31mblo…\x1b[22;39m');
  });
});

describe('a piece of a line', () => {
  it('is as wide as a terminal shows it', () => {
    expect([widthOf('abc'), widthOf('日本'), widthOf('é'), widthOf('e\u0301'), widthOf('▌…')]).toEqual([3, 4, 1, 1, 2]);
  });

  it('is a column wide for each of our symbols, whatever stands beside them', () => {
    for (const symbol of '·–−“”’…←↑→↓≤▏▎▍▌▋▊▉█▸')
      expect([symbol, widthOf(`${symbol}日`), widthOf(symbol)]).toEqual([symbol, 3, 1]);
  });

  it('is cut between characters, and filled up', () => {
    expect([cut('日本語', 4), cut('abc', 3), cut('abcd', 3), cut('abc', 0)]).toEqual(['日…', 'abc', 'ab…', '']);
    expect([padded('ab', 4), padded('7', 3, true), padded('日本', 3)]).toEqual(['ab  ', '  7', '日…']);
  });

  it('is broken between words', () => {
    expect(wrap('a bc def', 4)).toEqual(['a bc', 'def']);
    expect(wrap('abcdefgh', 4)).toEqual(['abcdefgh']);
  });

  it('as a bar has eighths', () => {
    expect([bar(0, 4), bar(1, 4), bar(0.53, 4), bar(2, 4)]).toEqual(['', '████', '██▏', '████']);
  });
});
