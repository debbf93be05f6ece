/** Writes metrics as text: Prometheus 0.0.4, or OpenMetrics 1.0. */

export type MetricType = 'gauge' | 'counter' | 'histogram' | 'info';
export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** Comes behind the name: of a histogram `_bucket`, `_sum` and `_count`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

/** All samples of one name. The name of a counter is without `_total`. */
export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit?: 'seconds' | 'bytes';
  readonly samples: readonly Sample[];
}

export type TextFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Chooses the format that the `Accept` header asks for. */
export function formatFor(accept: string | undefined): TextFormat {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus';
}

export function metricsText(metrics: readonly Metric[], format: TextFormat): string {
  const lines = metrics.flatMap((metric) => linesOf(metric, format));
  if (format === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

function linesOf({ name, type, help, unit, samples }: Metric, format: TextFormat): string[] {
  if (samples.length === 0) return []; // What is not known is no zero.
  const isOpen = format === 'openmetrics';
  const ending = type === 'counter' ? '_total' : type === 'info' ? '_info' : '';
  // OpenMetrics names the family, Prometheus the series.
  const family = isOpen ? name : `${name}${ending}`;
  const shown = type === 'info' && !isOpen ? 'gauge' : type;
  return [
    `# HELP ${family} ${escapeHelp(help)}`,
    `# TYPE ${family} ${shown}`,
    ...(isOpen && unit !== undefined ? [`# UNIT ${family} ${unit}`] : []),
    ...samples.map(({ suffix = ending, labels, value }) => `${name}${suffix}${labelText(labels)} ${numberText(value)}`),
  ];
}

function labelText(labels: Labels | undefined): string {
  if (labels === undefined) return '';
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',')}}`;
}

function numberText(value: number): string {
  return value === Infinity ? '+Inf' : `${value}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
