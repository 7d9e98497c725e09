const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]+))?$/;

const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
  Ei: 2n ** 60n,
};
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

// Longer ones are not real quantities, and arithmetic on them would be slow.
const MAX_LENGTH = 64;
// Below this Kubernetes rounds; above it no real quantity exists.
const MIN_POWER = -9;
const MAX_POWER = 64;
// Fine enough that every fraction of MAX_LENGTH digits with any suffix is a whole number of it.
const SCALE = MAX_LENGTH - MIN_POWER;
const POWERS: readonly bigint[] = Array.from(
  { length: MAX_POWER + SCALE + 1 },
  (_, exponent) => 10n ** BigInt(exponent),
);
const ONE = powerOfTen(SCALE);
const MILLI = powerOfTen(SCALE - 3);
// Kubernetes caps only quantities with a binary suffix, here.
const CAP = (2n ** 63n - 1n) * ONE;

function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 1n;
}

/** A quantity, in a unit so small that it is a whole number; only for comparison with another one. */
export type Quantity = bigint;

/**
 * Reports whether Kubernetes may read a value as a quantity: digits with a suffix, `500m`, `1.5Gi`, `2e3`, or a number.
 * As upstream, it ignores surrounding spaces except those that JSON escapes, and a suffix or a dot without digits reads
 * as 0. Source: `k8s.io/apimachinery` v0.34, `pkg/api/resource` (`ParseQuantity`, `Quantity.UnmarshalJSON`).
 */
export function isQuantity(value: unknown): boolean {
  return partsOf(value) !== undefined;
}

/**
 * Parses a quantity for comparison. Returns undefined if Kubernetes would not read it (`512MB`, `1 Gi`), and for
 * unrealistic forms: very long ones, or with a huge exponent.
 */
export function parseQuantity(value: unknown): Quantity | undefined {
  const parts = partsOf(value);
  if (parts === undefined || parts[0].length > MAX_LENGTH) return undefined;
  const [, sign = '', whole = '', fraction = '', binary, decimal, exponent] = parts;
  const power = decimal !== undefined ? (DECIMAL[decimal] ?? 0) : Number(exponent ?? 0);
  if (power < MIN_POWER || power > MAX_POWER) return undefined;
  const magnitude =
    BigInt(`0${whole}${fraction}`) *
    powerOfTen(power + SCALE - fraction.length) *
    (binary === undefined ? 1n : (BINARY[binary] ?? 1n));
  const capped = binary !== undefined && magnitude > CAP ? CAP : magnitude;
  return sign === '-' ? -capped : capped;
}

function partsOf(value: unknown): RegExpExecArray | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? trimmed(value) : '';
  return text === '' ? undefined : (SYNTAX.exec(text) ?? undefined);
}

// The spaces of Go. A tab or a line break reaches it as `\t` or `
// ` of JSON, which is not a space.
const SPACE = /[ \u0085\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/;

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.test(text.charAt(start))) start++;
  while (end > start && SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Rounds a quantity as Kubernetes does in requests and limits: up to a thousandth. Source: `k8s.io/kubernetes` v1.34,
 * `pkg/apis/core/v1` (`SetDefaults_ResourceList`).
 */
export function roundUp(quantity: Quantity): Quantity {
  const rest = quantity % MILLI;
  if (rest === 0n) return quantity;
  return quantity - rest + (quantity < 0n ? -MILLI : MILLI);
}

/** Reports whether a quantity is an integer. */
export function isWhole(quantity: Quantity): boolean {
  return quantity % ONE === 0n;
}
