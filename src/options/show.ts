/** Shows a value in an error. */

/** Gives a text that is short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? showJson(value) : String(value);
}

function showJson(value: string | object): string {
  try {
    const json = JSON.stringify(value);
    return json.length > 80 ? `${json.slice(0, 77)}...` : json;
  } catch {
    return 'an object';
  }
}
