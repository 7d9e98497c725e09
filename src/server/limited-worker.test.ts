import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { imageFlags } from '../../test/support/image-flags.ts';

it('gives a thread its own limits, also where the command line sets the size of the heap', () => {
  const script = join(import.meta.dirname, '../../test/support/limited-worker-process.ts');
  const printed = execFileSync(process.execPath, [...imageFlags(), script], { encoding: 'utf8' });
  const { before, after, thread } = JSON.parse(printed) as Record<'before' | 'after' | 'thread', number>;
  expect(thread).toBe(96 + 12);
  expect(before).toBeGreaterThanOrEqual(384);
  expect(after).toBe(before);
});
