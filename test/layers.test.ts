import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { LAYERS, layers, PURE } from '../eslint.layers.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS: Readonly<Record<string, string>> = { reconciler: 'migration/reconciler' };

// Only the rules on layers, and no types: a probe is no file of the program.
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfigFile: true,
  overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } }, ...layers] as never,
});

async function complaints(layer: string, text: string): Promise<string[]> {
  const folder = FOLDERS[layer] ?? layer;
  const filePath = folder.includes('.') ? `src/${folder}` : `src/${folder}/some-room/probe.ts`;
  const [result] = await eslint.lintText(text, { filePath: join(ROOT, filePath) });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

function importOf(target: string, layer: string): string {
  const from = join('src', FOLDERS[layer] ?? layer, 'some-room');
  return `import { x } from '${relative(from, target)}'; export const y = x;`;
}

// A file in each layer that others could import.
const SAMPLES: Readonly<Record<string, string>> = {
  world: 'src/world/read.ts',
  migration: 'src/migration/plan.ts',
  rules: 'src/rules/finding.ts',
  timeline: 'src/timeline/canary-walk.ts',
  preserve: 'src/preserve/define.ts',
  documents: 'src/documents/index.ts',
  policy: 'src/policy/policy.ts',
  version: 'src/version.ts',
  report: 'src/report/model.ts',
  admission: 'src/admission/gate.ts',
  cluster: 'src/cluster/world.ts',
  reconciler: 'src/migration/reconciler/reconciler.ts',
  server: 'src/server/app.ts',
  dashboard: 'src/dashboard/graph.ts',
  commands: 'src/commands/io.ts',
  program: 'src/program.ts',
  cli: 'src/cli.ts',
};
const FOLDER_LAYERS = Object.keys(LAYERS).filter(
  (layer) => !['version', 'program', 'nodeVersion', 'compileCache', 'cli'].includes(layer),
);
const pairs = FOLDER_LAYERS.flatMap((layer) =>
  Object.keys(SAMPLES).map((target) => ({
    layer,
    target,
    allowed: layer === target || (LAYERS[layer]?.layers ?? []).includes(target),
  })),
);

describe('the layers', () => {
  it('only point downwards', () => {
    const order = Object.keys(LAYERS);
    for (const [layer, entry] of Object.entries(LAYERS))
      for (const target of entry.layers)
        expect(order.indexOf(target), `${layer} -> ${target}`).toBeLessThan(order.indexOf(layer));
  });

  it.each(pairs)('$layer -> $target: $allowed', async ({ layer, target, allowed }) => {
    const found = await complaints(layer, importOf(SAMPLES[target] ?? '', layer));
    if (allowed) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining('boundaries/dependencies')]);
  });

  it.each([
    ['rules', "import http2 from 'node:http2'; export { http2 };"],
    ['rules', "import dns from 'node:dns'; export { dns };"],
    ['rules', "import dns from 'dns'; export { dns };"],
    ['migration', "import { setTimeout } from 'node:timers/promises'; export { setTimeout };"],
    ['admission', "import { readFile } from 'node:fs/promises'; export { readFile };"],
    ['admission', "import express from 'express'; export { express };"],
    ['policy', "import { KubeConfig } from '@kubernetes/client-node'; export { KubeConfig };"],
    ['rules', "import jsonpatch from 'fast-json-patch'; export { jsonpatch };"],
    ['world', "export const load = () => import('node:child_process');"],
    ['world', "export * from 'node:fs';"],
    ['world', "export { x } from '../../rules/finding.ts';"],
    ['world', "export type X = import('../../rules/finding.ts').Finding;"],
    ['world', "export const load = () => import('../../rules/finding.ts');"],
    ['rules', "import { x } from '../../../test/support/gate.ts'; export { x };"],
    ['rules', "import { x } from '../../no-such-layer/x.ts'; export { x };"],
    ['cluster', "import { exec } from 'node:child_process'; export { exec };"],
    ['server', "import { Reconciler } from '../../migration/reconciler/reconciler.ts'; export { Reconciler };"],
    ['no-such-layer', 'export const x = 1;'],
  ])('%s may not have: %s', async (layer, text) => {
    expect(await complaints(layer, text)).toEqual([expect.stringContaining('boundaries/')]);
  });

  it.each([
    ['world', "import { createHash } from 'node:crypto'; export { createHash };"],
    ['world', "import { parse } from 'yaml'; export { parse };"],
    ['preserve', "import type { Operation } from 'fast-json-patch'; export type { Operation };"],
    [
      'cluster',
      "import { setTimeout } from 'node:timers/promises'; import http2 from 'node:http2'; export { setTimeout, http2 };",
    ],
    ['server', "import express from 'express'; export { express };"],
    ['commands', 'export const wait = setTimeout(() => process.exit(), performance.now());'],
    ['reconciler', 'export const now = Date.now() + performance.now();'],
  ])('%s may have: %s', async (layer, text) => {
    expect(await complaints(layer, text)).toEqual([]);
  });
});

describe('a pure layer', () => {
  const IMPURE = [
    'performance.now()',
    'new Date()',
    'Date()',
    'Date.now()',
    "Date['now']()",
    'Math.random()',
    'crypto.randomUUID()',
    'setTimeout(() => undefined, 1)',
    'setImmediate(() => undefined)',
    'queueMicrotask(() => undefined)',
    "fetch('https://example.com')",
    'process.env',
    'console.log(1)',
    'globalThis.fetch',
    "globalThis['process']",
    'global.process',
    'new WebSocket("wss://example.com")',
    'navigator.hardwareConcurrency',
    "eval('1')",
    "new Function('return process')()",
    "require('node:fs')",
  ];
  it.each(PURE.flatMap((layer) => IMPURE.map((expression) => [layer, expression] as const)))(
    '%s may not have: %s',
    async (layer, expression) => {
      expect(await complaints(layer, `export const x = ${expression};`)).not.toEqual([]);
    },
  );

  it.each([
    'const { now } = Date; export { now };',
    "import { randomBytes } from 'node:crypto'; export { randomBytes };",
    "import crypto from 'node:crypto'; export { crypto };",
  ])('may not have: %s', async (text) => {
    expect(await complaints('world', text)).not.toEqual([]);
  });

  it.each([
    'new Date(0).toISOString()',
    "Date.parse('2026-01-01T00:00:00Z')",
    'structuredClone({})',
    "Buffer.from('x')",
    'new Map()',
  ])('may have: %s', async (expression) => {
    for (const layer of PURE) expect(await complaints(layer, `export const x = ${expression};`)).toEqual([]);
  });
});

describe('the configuration', () => {
  it.each([...PURE, 'migration/reconciler', 'cluster', 'server', 'dashboard', 'commands'])(
    'checks src/%s',
    async (folder) => {
      const real = new ESLint({ cwd: ROOT });
      const { rules } = (await real.calculateConfigForFile(join(ROOT, `src/${folder}/some.ts`))) as {
        rules: Record<string, [number, ...unknown[]]>;
      };
      const wanted = PURE.includes(folder)
        ? ['no-restricted-imports', 'no-restricted-globals', 'no-restricted-properties', 'no-restricted-syntax']
        : [];
      for (const rule of ['boundaries/dependencies', 'boundaries/no-unknown-files', ...wanted])
        expect(rules[rule]?.[0], rule).toBe(2);
    },
  );
});

describe('the imports', () => {
  it('have no circles', () => {
    const files = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts'));
    const imports = new Map(
      files.map((file) => [
        normalize(file),
        ts
          .preProcessFile(readFileSync(join(ROOT, file), 'utf8'), true, true)
          .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
          .map(({ fileName }) => normalize(join(dirname(file), fileName))),
      ]),
    );
    expect(imports.size).toBeGreaterThan(200);
    expect(circlesIn(imports)).toEqual([]);
  });

  it('would show one', () => {
    const imports = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['b']],
      ['d', []],
    ]);
    expect(circlesIn(imports)).toEqual(['b -> c -> b']);
  });
});

function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const begun = way.indexOf(file);
    if (begun >= 0) circles.push([...way.slice(begun), file].join(' -> '));
    if (begun >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return circles;
}
