import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOCUMENT_RULES } from '../src/documents/index.ts';
import { PRESERVERS } from '../src/preserve/index.ts';
import { INTERNAL_ERROR, TOO_LARGE } from '../src/rules/engine.ts';
import { RULES } from '../src/rules/index.ts';
import { RETIRED_RULES } from '../src/rules/retired.ts';

/** An id that no new rule can have. The message says why. */
export class InvalidId extends Error {}

/**
 * Writes the folder of a new rule, and its lines in the catalogue.
 *
 * @param root - The folder of the project.
 * @returns The files that were written, relative to `root`.
 * @throws InvalidId if the id is not kebab-case, or is taken or retired. Nothing is written then.
 */
export function newRule(root: string, id: string, retired = RETIRED_RULES): string[] {
  const folder = join('src', 'rules', id);
  checkId(id, existsSync(join(root, folder)), retired);
  const catalogue = join('src', 'rules', 'index.ts');
  const files = new Map([
    [join(folder, 'rule.ts'), rule(id)],
    [join(folder, 'rule.test.ts'), test(id)],
    [join(folder, 'fixtures', 'bad-no-history.yaml'), rollout('Replace this fixture: no old ReplicaSet is kept.', 0)],
    [
      join(folder, 'fixtures', 'good-short-history.yaml'),
      rollout('Replace this fixture: one old ReplicaSet is enough.', 1),
    ],
    [catalogue, withRule(readFileSync(join(root, catalogue), 'utf8'), id)],
  ]);
  for (const [name, text] of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return [...files.keys()];
}

function checkId(id: string, isFolder: boolean, retired: readonly string[]): void {
  if (!/^[a-z]+(-[a-z]+)+$/.test(id))
    throw new InvalidId(
      `"${id}" is not an id: use two or more lower-case words with hyphens, such as service-selector`,
    );
  const taken = [...RULES, ...DOCUMENT_RULES, ...PRESERVERS, { id: INTERNAL_ERROR }, { id: TOO_LARGE }].some(
    (other) => other.id === id,
  );
  if (taken || isFolder) throw new InvalidId(`"${id}" is taken: choose another id`);
  if (retired.includes(id))
    throw new InvalidId(`"${id}" is the id of a retired rule, which users may still name: choose another id`);
}

/** Returns the text of the catalogue with a rule added where its id belongs. */
export function withRule(catalogue: string, id: string): string {
  const name = nameOf(id);
  const imports = [...catalogue.matchAll(/^import \{ (\w+) \} from '\.\/([a-z-]+)\/rule\.ts';$/gm)];
  const next = imports.find(([, , other = '']) => other > id);
  const last = imports.at(-1);
  const line = `import { ${name} } from './${id}/rule.ts';\n`;
  const [importAt, entryAt] =
    next === undefined
      ? [(last?.index ?? 0) + (last?.[0].length ?? 0) + 1, catalogue.lastIndexOf('];')]
      : [next.index, catalogue.indexOf(`\n  ${next[1] ?? ''},\n`) + 1];
  if (imports.length === 0 || importAt <= 0 || entryAt <= importAt) throw new Error('src/rules/index.ts has no rules');
  return `${catalogue.slice(0, importAt)}${line}${catalogue.slice(importAt, entryAt)}  ${name},\n${catalogue.slice(entryAt)}`;
}

function nameOf(id: string): string {
  return id.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function rule(id: string): string {
  return `import { dig } from '../../world/read.ts';
import { defineRule } from '../define.ts';

export const ${nameOf(id)} = defineRule({
  id: '${id}',
  summary: 'Replace this: one sentence that says what is true when the rule finds nothing.',
  explanation:
    'Replace this: what happens without the rule, and when. Source: Argo Rollouts v1.9.1, the package (the function).',
  subject: { 'Rollout.argoproj.io': ['spec.revisionHistoryLimit'] },
  reads: {},
  messages: {
    noHistory: {
      class: 'advice',
      text: 'spec.revisionHistoryLimit is {limit}, so no old ReplicaSet is kept for a rollback',
      fix: 'use 1 or more',
    },
  },
  check(context, rollout) {
    const limit = dig(rollout, 'spec', 'revisionHistoryLimit');
    if (limit !== 0) return;
    context.report('noHistory', { path: ['spec', 'revisionHistoryLimit'], anchor: 'revisions', data: { limit } });
  },
});
`;
}

function test(id: string): string {
  return `import { testRule } from '../../../test/support/rule-tester.ts';
import { ${nameOf(id)} } from './rule.ts';

testRule(${nameOf(id)}, import.meta.dirname);
`;
}

function rollout(comment: string, limit: number): string {
  return `# ${comment}
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  revisionHistoryLimit: ${limit}
  strategy:
    canary: {}
`;
}

function main([id, ...others]: readonly string[]): number {
  if (id === undefined || others.length > 0) {
    console.error('usage: npm run new-rule ID');
    return 2;
  }
  try {
    console.log(newRule(join(import.meta.dirname, '..'), id).join('\n'));
  } catch (error) {
    if (!(error instanceof InvalidId)) throw error;
    console.error(error.message);
    return 1;
  }
  console.log(`
Next, as CONTRIBUTING.md says:
  replace the fixtures, then everything in rule.ts
  npx vitest run src/rules/${id} -u
  npx vitest run test/reads -t ${id}
  npm run docs
  describe it in CHANGELOG.md`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
