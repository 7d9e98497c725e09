import type { Finding } from '../rules/finding.ts';
import { KINDS, keyOf, listIn, type KindId, type ObjectKey } from '../world/object.ts';
import { about, ruleTag } from './attribution.ts';
import { isDenial, type DecidedFinding } from './decisions.ts';

/**
 * Returns what is said about findings that are only warnings because lists could not be read: a line for each rule and
 * subject. It names no namespace, because the routes that lead there may be those of others.
 *
 * @param before - What would be decided if all had been read.
 */
export function unconfirmedLines(before: readonly DecidedFinding[], unreadable: ReadonlySet<ObjectKey>): string[] {
  const findings = before.flatMap((entry) =>
    isDenial(entry) && unreadLists(entry.finding, unreadable).length > 0 ? [entry.finding] : [],
  );
  const groups = Map.groupBy(findings, ({ rule, subject }) => `${rule} ${keyOf(subject)}`);
  return [...groups.values()].flatMap((group) => group.slice(0, 1).map((first) => lineOf(first, group, unreadable)));
}

function unreadLists({ absentFrom = [] }: Finding, unreadable: ReadonlySet<ObjectKey>): readonly ObjectKey[] {
  return absentFrom.filter((list) => unreadable.has(list));
}

function lineOf({ rule, subject }: Finding, group: readonly Finding[], unreadable: ReadonlySet<ObjectKey>): string {
  const lists = [...new Set(group.flatMap((finding) => unreadLists(finding, unreadable)))];
  const read = lists.flatMap((list) => listIn(list) ?? []);
  const all = read.some(({ namespace }) => namespace === '');
  const kinds = [...new Set(read.map(({ kind }): KindId => kind))].map((kind) => `${KINDS[kind].kind}s`).join(', ');
  const places = new Set(read.map(({ namespace }) => namespace)).size;
  const where = all ? 'all namespaces' : places === 1 ? '1 namespace' : `${places} namespaces`;
  const what = group.length === 1 ? '1 finding is' : `${group.length} findings are`;
  return about(
    subject,
    `${what} only a warning, because ${kinds} of ${where} were not read: run rollgate scan to check ${where === '1 namespace' ? 'it' : 'them'} ${ruleTag(rule)}`,
  );
}
