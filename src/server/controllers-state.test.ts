import { describe, expect, it } from 'vitest';
import { parseVersion, supportedRange, type SupportedRange } from '../world/rollouts-versions.ts';
import { ControllersState } from './controllers-state.ts';
import { createLog } from './log.ts';

const SUPPORTED = supportedRange([]);

function stateOf(source: { accounts: string[]; none: boolean; versions?: SupportedRange }): {
  lines: string[];
  state: ControllersState;
} {
  const lines: string[] = [];
  const log = createLog('info', {
    write: (line: string) => {
      const { level, msg, account = '' } = JSON.parse(line) as { level: string; msg: string; account?: string };
      if (msg.startsWith('requests are checked')) return;
      lines.push(`${level} ${account} ${msg.split(/[:,;]/)[0]}`);
    },
  });
  const questions = {
    untrusted: () => source.accounts,
    trustsNone: () => source.none,
    versions: () => source.versions ?? SUPPORTED,
  };
  return { lines, state: new ControllersState(questions, log, 3_600_000) };
}

describe('ControllersState', () => {
  it('logs each account that only looks like a controller when it is first seen', () => {
    const source = { accounts: ['a'], none: false };
    const { lines, state } = stateOf(source);
    state.check();
    state.check();
    source.accounts = [];
    state.check();
    source.accounts = ['a', 'b'];
    state.check();
    const text = 'an account outside controllers.namespaces looks like that of an Argo Rollouts controller';
    expect(lines).toEqual([`warn a ${text}`, `warn b ${text}`]);
    state.stop();
  });

  it('stops at a hundred accounts, since users can invent them', () => {
    const source = { accounts: Array.from({ length: 500 }, (_, index) => `account-${index}`), none: false };
    const { lines, state } = stateOf(source);
    state.check();
    source.accounts = ['another'];
    state.check();
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain('are not logged');
    state.stop();
  });

  it('logs once that the policy trusts no controller, and again after that has changed', () => {
    const source = { accounts: [], none: true };
    const { lines, state } = stateOf(source);
    for (let count = 0; count < 3; count++) state.check();
    expect(lines).toEqual(['warn  controllers.namespaces of the policy is empty']);
    source.none = false;
    state.check();
    source.none = true;
    state.check();
    expect(lines).toHaveLength(2);
    state.stop();
  });

  it('says when a version is not supported', () => {
    const of = (text: string): SupportedRange =>
      supportedRange([parseVersion(text)].filter((range) => range !== undefined));
    const source = { accounts: [], none: false, versions: of('1.10') };
    const { lines, state } = stateOf(source);
    state.check();
    expect(lines).toEqual([]);
    source.versions = of('1.8.3');
    state.check();
    state.check();
    expect(lines).toEqual(['warn  a controller or the policy has a version of Argo Rollouts that is not supported']);
    state.stop();
  });
});
