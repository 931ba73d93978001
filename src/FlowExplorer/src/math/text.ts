/** Numbers for people: as many digits as say something. */

const Minus = '−';

const signed = (text: string) => text.startsWith('-') ? Minus + text.slice(1) : text;

/** About three significant digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : value < 0 ? `${Minus}∞` : 'none';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e6 || size < 1e-4) return signed(value.toExponential(1).replace('e+', 'e'));
  if (size >= 1000) return signed(String(Math.round(value)));
  return signed(String(Number(value.toPrecision(3))));
}

/** About five significant digits, for a number that is looked at by itself. */
export function exact(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'none';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${Minus}∞`;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return signed(value.toExponential(3).replace('e+', 'e'));
  return signed(String(Number(value.toPrecision(5))));
}

export const count = (value: number) => Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  return value < 1 << 20 ? `${short(value / 1024)} KiB` : `${short(value / (1 << 20))} MiB`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1e-3) return `${short(seconds * 1e6)} µs`;
  return seconds < 1 ? `${short(seconds * 1e3)} ms` : `${short(seconds)} s`;
}

export const percent = (share: number) => `${short(share * 100)} %`;

/** A p-value in words: how many ordinary rows are at least as strange, by so many that are known. */
export function rarity(p: number, rows: number): string {
  if (p < 1.5 / (rows + 1)) return `not one of ${count(rows)} ordinary rows is as strange`;
  if (p >= 0.2) return `${Math.round(p * 100)} of 100 ordinary rows are at least as strange: nothing odd about it`;
  if (p >= 0.01) return `${Math.max(1, Math.round(p * 100))} of 100 ordinary rows are at least as strange`;
  return `about ${Math.max(1, Math.round(p * 10000))} of 10 000 ordinary rows are at least as strange`;
}

/** How many times as likely a gain in nats makes a row. */
export function times(nats: number): string {
  if (nats > 13.8) return `more than a million times`;
  const factor = Math.exp(nats);
  return factor < 10 ? `${short(Math.round(factor * 10) / 10)} times` : `${count(Number(factor.toPrecision(2)))} times`;
}
