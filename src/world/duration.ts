const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, the micro sign
  μs: 1_000n, // U+03BC, the Greek letter
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const LARGEST = 2n ** 63n - 1n;
const DIGITS_OF_LARGEST = 19;
const PIECE = /([0-9]*)(?:\.([0-9]*))?([^0-9.]+)/y;

/**
 * Parses a duration as Argo Rollouts does, such as `1h30m`, `-1.5s` or `0`. Returns seconds, or undefined if it is
 * invalid: no unit, a unit other than ns, us, µs, ms, s, m and h (there is none for days), spaces, or more than about
 * 292 years. Source: Go's `time.ParseDuration`, by which Argo Rollouts v1.9.1 reads every duration.
 */
export function parseGoDuration(text: string): number | undefined {
  const negative = text.startsWith('-');
  const unsigned = negative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0;
  if (unsigned === '') return undefined;
  let total = 0n;
  PIECE.lastIndex = 0;
  for (let position = 0; position < unsigned.length; position = PIECE.lastIndex) {
    const piece = nanoseconds(PIECE.exec(unsigned) ?? []);
    if (piece === undefined) return undefined;
    total += piece;
    if (total > (negative ? LARGEST + 1n : LARGEST)) return undefined;
  }
  const seconds = Number(total) / 1e9;
  return negative ? -seconds : seconds;
}

function nanoseconds([, whole = '', fraction = '', unit = '']: readonly string[]): bigint | undefined {
  const size = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit] : undefined;
  if (size === undefined || (whole === '' && fraction === '')) return undefined;
  const digits = whole.replace(/^0+/, '');
  if (digits.length > DIGITS_OF_LARGEST) return undefined;
  return (
    BigInt(digits) * size + BigInt(Math.floor(Number(`0.${fraction.slice(0, DIGITS_OF_LARGEST)}0`) * Number(size)))
  );
}
