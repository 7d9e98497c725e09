import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { check } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidId, newRule, withRule } from '../scripts/new-rule.ts';
import type { Rule } from '../src/rules/define.ts';
import { evaluate } from '../src/rules/engine.ts';
import { bundleWorld, parseManifests, placeObjects } from '../src/world/manifests.ts';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

describe('npm run new-rule', () => {
  const project = mkdtempSync(join(tmpdir(), 'rollgate-new-rule-'));
  beforeAll(() => {
    for (const name of ['src', 'test/support', 'package.json', 'tsconfig.json', '.prettierrc.json'])
      cpSync(join(ROOT, name), join(project, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('writes a rule that works, is formatted, and passes the type check', { timeout: 300_000 }, async () => {
    const written = newRule(project, 'rollout-made-up');
    expect(written).toContain(join('src', 'rules', 'rollout-made-up', 'rule.test.ts'));
    const options = JSON.parse(readFileSync(join(ROOT, '.prettierrc.json'), 'utf8')) as object;
    for (const name of written) {
      const path = join(project, name);
      expect(await check(readFileSync(path, 'utf8'), { ...options, filepath: path }), name).toBe(true);
    }

    const catalogue = (await import(pathToFileURL(join(project, 'src', 'rules', 'index.ts')).href)) as {
      RULES: readonly Rule[];
    };
    const ids = catalogue.RULES.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
    const rule = catalogue.RULES.find(({ id }) => id === 'rollout-made-up');
    if (rule === undefined) throw new Error('the catalogue does not have the rule');
    const fixtures = join(project, 'src', 'rules', 'rollout-made-up', 'fixtures');
    const found = readdirSync(fixtures).map((name) => {
      const { objects } = parseManifests(readFileSync(join(fixtures, name), 'utf8'), name);
      const placed = placeObjects(objects).sources.map(({ object }) => object);
      return [name.split('-')[0], evaluate(bundleWorld(placed), placed, [rule]).findings.length];
    });
    expect(found).toEqual([
      ['bad', 1],
      ['good', 0],
    ]);

    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const only = JSON.stringify({ extends: './tsconfig.json', include: ['src/rules/rollout-made-up'] });
    writeFileSync(join(project, 'only.json'), only);
    await run(process.execPath, [tsc, '-p', 'only.json'], { cwd: project });
  });

  it.each([
    ['RolloutSteps', /lower-case words with hyphens/],
    ['steps', /lower-case words with hyphens/],
    ['../rollout-steps', /lower-case words with hyphens/],
    ['rollout-steps', /is taken/],
    ['duplicate-key', /is taken/],
    ['service-hash', /is taken/],
    ['rollout-retired', /retired rule/],
  ])('rejects %s, and writes nothing', (id, why) => {
    const before = readdirSync(join(project, 'src', 'rules'));
    const catalogue = readFileSync(join(project, 'src', 'rules', 'index.ts'), 'utf8');
    const add = (): unknown => newRule(project, id, ['rollout-retired']);
    expect(add).toThrow(InvalidId);
    expect(add).toThrow(why);
    expect(readdirSync(join(project, 'src', 'rules'))).toEqual(before);
    expect(readFileSync(join(project, 'src', 'rules', 'index.ts'), 'utf8')).toBe(catalogue);
  });

  it('keeps the catalogue sorted at both ends', () => {
    const catalogue = readFileSync(join(ROOT, 'src', 'rules', 'index.ts'), 'utf8');
    const both = withRule(withRule(catalogue, 'aa-first'), 'zz-last');
    const paths = [...both.matchAll(/from '\.\/([a-z-]+)\/rule\.ts'/g)].map(([, id]) => id);
    expect(paths).toEqual(paths.toSorted());
    expect([paths[0], paths.at(-1)]).toEqual(['aa-first', 'zz-last']);
    expect(both).toMatch(/\[\n {2}aaFirst,\n/);
    expect(both).toMatch(/\n {2}zzLast,\n\];/);
  });
});
