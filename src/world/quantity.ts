const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?$/;

const BINARY: Readonly<Record<string, bigint>> = { Ki: 2n ** 10n, Mi: 2n ** 20n, Gi: 2n ** 30n, Ti: 2n ** 40n, Pi: 2n ** 50n, Ei: 2n ** 60n };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

// Longer ones are no quantity of anything, and arithmetic on them would cost.
const MAX_LENGTH = 64;
// Fine enough that every fraction of MAX_LENGTH digits with any suffix is a whole number of it.
const SCALE = MAX_LENGTH + 9;
// From -9 for `n` up to where values are capped, and one digit less for each of a fraction.
const POWERS: readonly bigint[] = Array.from({ length: MAX_LENGTH + SCALE + 1 }, (_, exponent) => 10n ** BigInt(exponent));

function powerOfTen(exponent: number): bigint {
  return POWERS[Math.max(exponent, 0)] ?? 1n;
}

/** A quantity, in a unit so small that it is a whole number; only for comparison with another one. */
export type Quantity = bigint;

/**
 * In: a quantity as Kubernetes takes it, `500m`, `1.5Gi`, `2e3` or a number. Out: something to compare, or undefined when Kubernetes would not read it
 * (`512MB`, `1 Gi`). Source: `k8s.io/apimachinery` v0.34, `pkg/api/resource`.
 */
export function parseQuantity(value: unknown): Quantity | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined;
  // A sign alone reads as 0.
  return text === '+' || text === '-' ? 0n : parseText(text);
}

function parseText(text: string): Quantity | undefined {
  const match = SYNTAX.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', binary, decimal, exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const power = decimal !== undefined ? (DECIMAL[decimal] ?? 0) : Number(exponent ?? 0);
  // Beyond these Kubernetes caps the value; no two such are worth telling apart.
  const shift = Math.max(-9, Math.min(power, MAX_LENGTH)) + SCALE - fraction.length;
  const magnitude = BigInt(whole + fraction) * powerOfTen(shift) * (binary === undefined ? 1n : (BINARY[binary] ?? 1n));
  return sign === '-' ? -magnitude : magnitude;
}

/** In: a quantity. Out: whether it is a whole number of what it counts. */
export function isWhole(quantity: Quantity): boolean {
  return quantity % 10n ** BigInt(SCALE) === 0n;
}
