import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { DOCUMENT_RULES } from '../src/documents/index.ts';
import { PRESERVERS } from '../src/preserve/index.ts';
import { evaluate, INTERNAL_ERROR, TOO_LARGE } from '../src/rules/engine.ts';
import { renderText } from '../src/rules/finding.ts';
import { RULES } from '../src/rules/index.ts';
import { RETIRED_RULES } from '../src/rules/retired.ts';
import { bundleWorld, parseManifests, placeObjects } from '../src/world/manifests.ts';
import { KINDS, type KubeObject } from '../src/world/object.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = readdirSync(join(ROOT, 'src', 'rules'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const ids = RULES.map(({ id }) => id);
const everything = [...RULES, ...DOCUMENT_RULES];

// Policies and reports of users name them, so they stay. None is added.
const OLDER_IDS = [
  'analysis-metrics/count-too-small',
  'analysis-metrics/duplicate-combined',
  'analysis-metrics/interval-missing',
  'analysis-metrics/no-provider',
  'analysis-metrics/none-combined',
  'analysis-metrics/only-arguments',
  'analysis-metrics/several-providers',
  'analysis-metrics/switched-off',
  'analysis-placeholders/undeclared-part',
];

describe('the catalogue', () => {
  it('is sorted, has no duplicates, and has exactly the rules that have a folder', () => {
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toEqual([...FOLDERS].sort());
  });

  it('has good and bad fixtures, a test and a page for every rule', () => {
    for (const id of ids) {
      const folder = join(ROOT, 'src', 'rules', id);
      const fixtures = readdirSync(join(folder, 'fixtures'));
      expect(
        fixtures.some((name) => name.startsWith('bad-')),
        id,
      ).toBe(true);
      expect(
        fixtures.some((name) => name.startsWith('good-')),
        id,
      ).toBe(true);
      expect(existsSync(join(folder, 'rule.test.ts')), id).toBe(true);
    }
    expect(readdirSync(join(ROOT, 'docs', 'rules')).sort(), 'run `npm run docs`').toEqual(
      ['README.md', ...everything.map(({ id }) => `${id}.md`)].sort(),
    );
  });

  it('names missing objects by what the texts of their messages say', () => {
    const placeholders = (text: string): string[] => text.match(/\{\w+\}/g) ?? [];
    const named = everything
      .flatMap(({ messages }) => Object.values(messages))
      .filter(({ missing }) => missing !== undefined);
    expect(named.length).toBeGreaterThan(0);
    for (const { class: findingClass, text, missing = '' } of named) {
      expect(findingClass, text).toBe('missing');
      expect(placeholders(text)).toEqual(expect.arrayContaining(placeholders(missing)));
    }
  });

  it('has unique ids across rules, document checks, preservers and the engine', () => {
    const all = [...everything.map(({ id }) => id), ...PRESERVERS.map(({ id }) => id), INTERNAL_ERROR, TOO_LARGE];
    expect(new Set(all).size).toBe(all.length);
    for (const id of all) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('has messages of one form: a fact, then an instruction, neither with a full stop or a line break', () => {
    for (const { id, messages, summary, explanation } of everything) {
      expect(summary, id).toMatch(/\.$/);
      expect(explanation.length, id).toBeGreaterThan(80);
      for (const [name, { text, fix }] of Object.entries(messages)) {
        for (const part of [text, fix]) expect(part, `${id} ${name}`).not.toMatch(/[\n]|\.$|^\s|\s$/);
      }
    }
  });

  it.each(RULES.flatMap((rule) => (rule.example === undefined ? [] : [[rule.id, rule, rule.example] as const])))(
    'shows an example of %s that is in its fixture, and was right before',
    (id, rule, { fixture, referenced, before }) => {
      const text = readFileSync(join(ROOT, 'src', 'rules', id, 'fixtures', fixture), 'utf8');
      const objects = placeObjects(parseManifests(text, fixture).objects).sources.map(({ object }) => object);
      const found = (those: readonly KubeObject[]): string[] =>
        evaluate(bundleWorld(those, { complete: true }), those, [rule]).findings.map(renderText);
      expect(found(objects)).not.toEqual([]);
      const index = objects.findIndex(({ kind, metadata }) => `${kind} ${metadata.name}` === referenced);
      expect(index < 0, 'the referenced object is there').toBe(referenced === undefined);
      if (before === undefined) return;
      const right = before.reduce((yaml, [wrong, other]) => {
        const next = yaml.replace(wrong, other);
        expect(next, String(wrong)).not.toBe(yaml);
        return next;
      }, stringify(objects[index]));
      const left = found(objects.with(index, parse(right) as KubeObject));
      expect(found(objects).filter((text) => !left.includes(text))).not.toEqual([]);
    },
  );

  it('has message ids in camelCase, except for the ones that are older than the convention', () => {
    const unlike = everything.flatMap(({ id, messages }) =>
      Object.keys(messages)
        .filter((message) => !/^[a-z]+([A-Z][a-z]+)*$/.test(message))
        .map((message) => `${id}/${message}`),
    );
    expect(unlike.sort()).toEqual(OLDER_IDS);
  });

  it('takes no id of a retired rule', () => {
    expect([...RETIRED_RULES].sort()).toEqual([...new Set(RETIRED_RULES)]);
    expect(everything.filter(({ id }) => RETIRED_RULES.includes(id))).toEqual([]);
  });

  it('has nothing left of the template of a new rule', () => {
    for (const { id, summary, explanation } of everything)
      expect(`${summary} ${explanation}`, id).not.toContain('Replace this');
    for (const id of ids) {
      const folder = join(ROOT, 'src', 'rules', id, 'fixtures');
      for (const name of readdirSync(folder))
        expect(readFileSync(join(folder, name), 'utf8'), `${id}/${name}`).not.toContain('Replace this');
    }
  });

  it('names only known kinds', () => {
    for (const rule of RULES)
      for (const kind of [...rule.subject, ...rule.reads]) expect(Object.hasOwn(KINDS, kind), rule.id).toBe(true);
  });

  it('is listed completely in its page', () => {
    const page = readFileSync(join(ROOT, 'docs/rules/README.md'), 'utf8');
    for (const { id } of everything) expect(page, 'run `npm run docs`').toContain(`[${id}](${id}.md)`);
    for (const { id } of PRESERVERS) expect(page, 'run `npm run docs`').toContain(`| ${id} |`);
  });
});
