import { describe, expect, it } from 'vitest';
import { KeepsState } from './keeps-state.ts';
import { createLog } from './log.ts';

describe('KeepsState', () => {
  it('says once that the keeps go off, and once that they come back, but nothing before that can be told', () => {
    const lines: string[] = [];
    const log = createLog('info', {
      write: (line: string) => {
        const { level, msg } = JSON.parse(line) as { level: string; msg: string };
        lines.push(`${level} ${msg.split(':')[0]}`);
      },
    });
    let off = true;
    let settled = false;
    const state = new KeepsState({ off: () => off, settled: () => settled }, log, 3_600_000);
    state.check();
    expect(lines).toEqual([]);
    settled = true;
    for (let count = 0; count < 3; count++) state.check();
    expect(lines).toEqual(['warn no account of an Argo Rollouts controller is known, so nothing is kept']);
    off = false;
    for (let count = 0; count < 3; count++) state.check();
    expect(lines.slice(1)).toEqual(['info an account of an Argo Rollouts controller is known']);
    // While the caches are stale, what is known of controllers is no news.
    settled = false;
    off = true;
    state.check();
    expect(lines).toHaveLength(2);
    state.stop();
  });
});
