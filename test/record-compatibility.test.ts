import { expect, it } from 'vitest';
import { withResult } from '../scripts/record-compatibility.ts';

const result = (component: string, version: string, passed = 1) => ({
  component,
  version,
  suite: 'test/e2e/keeps.test.ts',
  passed,
  failed: 0,
  skipped: 0,
});

it('replaces the older result of the same suite and version, and sorts by component and version', () => {
  const [older, newer] = [result('Argo Rollouts', '1.10.1'), result('Argo Rollouts', '1.10.1', 2)];
  const others = [result('Kubernetes', '1.33.13'), result('Argo Rollouts', '1.9.3')];
  expect(withResult([older, ...others], newer)).toEqual([others[1], newer, others[0]]);
});
