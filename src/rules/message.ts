import type { FindingClass } from '../world/finding-class.ts';
import type { KindId } from '../world/object.ts';

/** A message of a rule. In `text` and `fix`, `{name}` is a placeholder for a value that the report supplies. */
export interface Message {
  readonly class: FindingClass;
  /** The fact that is wrong. Starts with a lower-case letter, unless with a name, and has no full stop. */
  readonly text: string;
  /** The fix, as an instruction in the imperative. */
  readonly fix: string;
  /**
   * Names the missing object, by placeholders of `text`, where creating it is the fix: it may come with the same apply,
   * so admission names all of these in one warning.
   */
  readonly missing?: string;
  /**
   * The kinds of which one more object could show that the message is wrong, where the rule lists them or finds them by
   * their references. Before it denies, admission lists them in the API server: a cache may lack the newest ones.
   */
  readonly refutedBy?: readonly KindId[];
}

/** The values of placeholders. */
export type MessageData = Readonly<Record<string, string | number>>;

// Values come from manifests. Control characters in them would break the lines of a report and make the API server drop
// the warning.
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]+/g;

/** Fills in the placeholders of a text. Each value is put on one line and cut after 300 characters. */
export function fill(template: string, data: MessageData): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = data[name];
    return value === undefined ? placeholder : String(value).slice(0, 600).replace(CONTROL, ' ').slice(0, 300);
  });
}
