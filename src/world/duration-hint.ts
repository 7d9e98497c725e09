import { parseGoDuration } from './duration.ts';

const PIECE = /([0-9]{1,6})(?:(w|weeks?)|(d|days?)|(h|hrs?|hours?)|(m|mins?|minutes?)|(s|secs?|seconds?))(?![a-z])/y;

/** Returns what to write in place of an invalid Go duration, as the rest of an instruction such as "use ...". */
export function durationInstead(text: string): string {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return `${text}s, if seconds are meant`;
  return suggestDuration(text) ?? 'a duration such as 90s, 5m or 24h';
}

/**
 * Returns the Go duration that was probably meant by an invalid one, or undefined: `24h` for `1d`, `336h` for `2
 * weeks`, `5m` for `5 min`. Units longer than an hour become hours, because Go has none.
 */
export function suggestDuration(text: string): string | undefined {
  if (text.length > 30) return undefined;
  const compact = text.toLowerCase().replaceAll(' ', '');
  let hours = 0;
  let rest = '';
  PIECE.lastIndex = 0;
  for (let position = 0; position < compact.length; position = PIECE.lastIndex) {
    const [, digits, weeks, days, wholeHours, minutes] = PIECE.exec(compact) ?? [];
    if (digits === undefined) return undefined;
    if (weeks !== undefined) hours += Number(digits) * 168;
    else if (days !== undefined) hours += Number(digits) * 24;
    else if (wholeHours !== undefined) hours += Number(digits);
    else rest += `${digits}${minutes === undefined ? 's' : 'm'}`;
  }
  const suggestion = `${hours === 0 ? '' : `${hours}h`}${rest}`;
  return suggestion !== text && parseGoDuration(suggestion) !== undefined ? suggestion : undefined;
}
