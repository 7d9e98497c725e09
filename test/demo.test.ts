import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

describe('the demo', () => {
  it('shows a rejected mistake, a kept canary and a converted Deployment, readable at 100 columns', async () => {
    const demo = join(import.meta.dirname, '..', 'scripts', 'demo.ts');
    const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' };
    // Rejects when the exit code is not 0.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo], { env });
    expect(stderr).toBe('');
    expect(stdout).toContain('virtualservice-route-exists]');
    expect(stdout).toMatch(/stored without Rollgate +100 % +0 %/);
    expect(stdout).toMatch(/stored with Rollgate +5 % +95 %/);
    expect(stdout).toMatch(/kind: Rollout\n +metadata: \{ name: reviews \}/);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(52);
    const said = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('- {'));
    expect(said).toEqual([...new Set(said)]);
  });
});
