/** Writes amounts in three figures or so: what changes each second must not jump about. */

const STEPS = ['', ' k', ' M', ' G', ' T'] as const;

/** Such as `0`, `12`, `4.9 k`, `184 k`. */
export function amountText(amount: number): string {
  let [rest, step] = [amount, 0];
  while (rest >= 999.5 && step < STEPS.length - 1) [rest, step] = [rest / 1000, step + 1];
  const digits = step > 0 && rest < 99.95 ? 1 : 0;
  return `${rest.toFixed(digits)}${STEPS[step]}`;
}

/** Such as `12 B`, `1.2 kB`, `67 MB`. */
export function bytesText(bytes: number): string {
  const text = amountText(bytes);
  return text.includes(' ') ? `${text}B` : `${text} B`;
}

/** Such as `31 %`; `<1 %` for what is there and rounds to nothing. */
export function shareText(share: number): string {
  const percent = Math.round(share * 100);
  return percent === 0 && share > 0 ? '<1 %' : `${percent} %`;
}
