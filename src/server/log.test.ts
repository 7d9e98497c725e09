import { describe, expect, it, vi } from 'vitest';
import type { DecisionRecord } from '../admission/gate.ts';
import type { Request } from '../admission/review.ts';
import { createLog, logDecision, type LogLevel } from './log.ts';

const REQUEST: Request = {
  uid: 'u1',
  operation: 'UPDATE',
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Rollout',
  kindId: 'Rollout.argoproj.io',
  resource: 'rollouts',
  subresource: '',
  namespace: 'shop',
  name: 'reviews',
  user: { username: 'jane', groups: [], uid: '', extra: {} },
  dryRun: false,
  fieldManager: '',
  object: {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'reviews' },
    spec: { secret: 'hush' },
  },
  oldObject: undefined,
};
const QUIET: DecisionRecord = { verdict: 'allow', findings: [], skipped: [], kept: [] };

function logged(
  record: Partial<DecisionRecord>,
  request: Partial<Request> = {},
  level: LogLevel = 'debug',
): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  logDecision(log, 'mutate', { ...REQUEST, ...request }, { ...QUIET, ...record }, 1.23456);
  return lines;
}

describe('logDecision', () => {
  it.each<[string, Partial<Request>]>([
    ['a name', {}],
    [
      'marks and line breaks',
      { name: 'a"b\\c\n\u2028\u0000', namespace: '\u{1f600}é', user: { ...REQUEST.user, username: '' } },
    ],
    ['another kind', { kindId: undefined, kind: 'Th"ing', dryRun: true, operation: 'DELETE' }],
    ['a name that is too long', { uid: 'u'.repeat(1_000) }],
  ])('writes the line of an ordinary decision as pino does: %s', (_, change) => {
    vi.useFakeTimers({ now: 1_767_225_600_000 });
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => void lines.push(line) });
    // A child is not known by its destination.
    for (const each of [log, log.child({})]) logDecision(each, 'mutate', { ...REQUEST, ...change }, QUIET, 1.23456);
    vi.useRealTimers();
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(lines[1]);
  });

  it('has the first messages, and the rules that would deny in enforce mode', () => {
    const findings = [
      { rule: 'a', decision: 'warn', wouldDeny: true },
      { rule: 'b', decision: 'warn' },
      { rule: 'a', decision: 'warn', wouldDeny: true },
    ] as const;
    const messages = ['x'.repeat(400), ...Array.from({ length: 7 }, (_, index) => `message ${index}`)];
    expect(logged({ verdict: 'warn', findings, messages })).toMatchObject([
      {
        wouldDeny: ['a'],
        messages: [`${'x'.repeat(300)}…`, 'message 0', 'message 1', 'message 2', 'message 3', 'and 3 more'],
      },
    ]);
    expect(logged({})[0]).not.toHaveProperty('messages');
    expect(logged({})[0]).not.toHaveProperty('wouldDeny');
  });

  it('names each rule once, and never shows the object', () => {
    const findings = [
      { rule: 'a', decision: 'deny' },
      { rule: 'b', decision: 'warn' },
      { rule: 'a', decision: 'warn' },
    ] as const;
    const lines = logged({ verdict: 'deny', findings, kept: ['service-hash'] });
    expect(lines).toMatchObject([
      {
        level: 'info',
        webhook: 'mutate',
        verdict: 'deny',
        rules: ['a', 'b'],
        kept: ['service-hash'],
        ms: 1.23,
        msg: 'decided',
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('hush');
  });

  it('has a level for what somebody should look at', () => {
    expect(logged({ badPatch: 'x' })[0]?.['level']).toBe('error');
    expect(logged({ tripwire: 'x' })[0]?.['level']).toBe('warn');
    expect(logged({ breakGlass: 'jane: the controller is dead' })[0]).toMatchObject({
      level: 'warn',
      breakGlass: 'jane: the controller is dead',
    });
    expect(logged({ verdict: 'exempt', exempt: 'exempt account' })[0]).toMatchObject({
      level: 'debug',
      exempt: 'exempt account',
    });
    expect(logged({ verdict: 'exempt', exempt: 'exempt account' }, {}, 'info')).toEqual([]);
  });

  it('cuts what is too long, and keeps one line', () => {
    const [line] = logged(
      {},
      { name: 'x'.repeat(5_000_000), uid: 'a\nb', user: { ...REQUEST.user, username: 'j'.repeat(1_000) } },
    );
    expect(line?.['uid']).toBe('a\nb');
    expect(JSON.stringify(line).length).toBeLessThan(1_500);
  });
});
