import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the lists of newer fields and of the fields of a metric are what the custom resource definitions of the projects say', () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'newer-fields.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
