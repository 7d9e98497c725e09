import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { DOCUMENT_RULES } from '../src/documents/index.ts';
import { PRESERVERS } from '../src/preserve/index.ts';
import { main } from '../src/program.ts';
import { RULES } from '../src/rules/index.ts';
import { io } from './cli/support.ts';

// Most readers of Rollgate's texts read English as a second language. These words are rare, old, or mean something else
// to them; the right column says what Kubernetes documentation writes.
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\bmend(s|ed|ing)?\b/gi, 'fix'],
  [/\b(put|puts|putting) right\b/gi, 'fix'],
  [/\banew\b/gi, 'again'],
  [/\bwho(so)?ever\b/gi, 'anyone who'],
  [/\blest\b/gi, 'so that … not'],
  [/\bbehold(s|ing)?\b/gi, 'see'],
  [/\bbesides\b/gi, 'also, in addition to'],
  [/(?<=^|[.!?:]\s+)Beside\b/gm, 'in addition to'],
  [/\bsave (for|that|when|where)\b/gi, 'except'],
  [/\bfor ever\b/gi, 'forever, without end'],
  [/\bwithal\b/gi, 'also'],
  [/\bshall\b/gi, 'must, will'],
  [/\b(he|she|him|his|her|hers|himself|herself)\b/gi, 'they'],
];

const MAX_WORDS = 30;
const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const files = (...patterns: string[]): string[] => globSync(patterns, { cwd: ROOT }).sort();

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].filter((file) =>
  existsSync(join(ROOT, file)),
);

describe('words', () => {
  it.each([...RULES, ...DOCUMENT_RULES])('of rule $id are plain', ({ id, summary, explanation, messages }) => {
    expect([
      ...refusedIn(summary, `${id}, summary`),
      ...refusedIn(explanation, `${id}, explanation`),
      ...Object.entries(messages).flatMap(([name, { text, fix }]) => [
        ...refusedIn(text, `${id}, message ${name}, text`),
        ...refusedIn(fix, `${id}, message ${name}, fix`),
      ]),
    ]).toEqual([]);
  });

  it.each(PRESERVERS)('of keep $id are plain', ({ id, summary }) => {
    expect(refusedIn(summary, `${id}, summary`)).toEqual([]);
  });

  it('of the help of every command are plain', async () => {
    const overview = await help();
    const commands = [...overview.slice(overview.indexOf('\nCommands:')).matchAll(/^ {2}([a-z-]+) /gm)].map(
      ([, name = '']) => name,
    );
    expect(commands).toContain('lint');
    const texts = await Promise.all(commands.map(async (name) => [name, await help(name)] as const));
    expect(
      [['', overview] as const, ...texts].flatMap(([name, text]) => refusedIn(text, `rollgate ${name} --help`)),
    ).toEqual([]);
  });

  it.each([
    ...PAGES,
    ...files('docs/**/*.md', 'examples/**/*.{md,yaml}', 'certs/*.md'),
    ...files('chart/*.{yaml,json}', 'chart/templates/*', 'chart/files/*', 'Dockerfile', 'package.json'),
  ])('of %s are plain', (file) => {
    expect(refusedIn(read(file), file)).toEqual([]);
  });

  it.each(files('src/**/*.ts', 'scripts/*.ts').filter((file) => !file.endsWith('.test.ts')))(
    'of texts and comments in %s are plain',
    (file) => {
      expect(refusedIn(proseOf(read(file)), file)).toEqual([]);
    },
  );

  it('are found where they are', () => {
    expect(refusedIn('kept\nas he likes, lest it breaks. Beside this', 'a.md')).toEqual([
      'a.md:2:14: "lest" in "as he likes, lest it breaks. Beside this": write "so that … not"',
      'a.md:2:30: "Beside" in "as he likes, lest it breaks. Beside this": write "in addition to"',
      'a.md:2:4: "he" in "as he likes, lest it breaks. Beside this": write "they"',
    ]);
    expect(refusedIn('The shell helps them; recommended, dependents beside it. Save it.', 'a.md')).toEqual([]);
    const code = "const his = 1; // for ever\nsay(`anew ${his} mended`, 'shall');";
    expect(refusedIn(proseOf(code), 'a.ts').map((found) => found.split(' in ')[0])).toEqual([
      'a.ts:2:18: "mended"',
      'a.ts:2:6: "anew"',
      'a.ts:1:19: "for ever"',
      'a.ts:2:28: "shall"',
    ]);
  });
});

// What scripts write has no sentences of its own.
const GENERATED = ['docs/messages.md'];

describe('sentences', () => {
  it.each(
    [...PAGES, ...files('docs/*.md', 'docs/runbooks/*.md', 'examples/README.md', 'certs/README.md')].filter(
      (file) => !GENERATED.includes(file),
    ),
  )(`of %s have at most ${MAX_WORDS} words`, (file) => {
    const long = sentencesOf(read(file)).filter((sentence) => wordsIn(sentence) > MAX_WORDS);
    expect(long.map((sentence) => `${wordsIn(sentence)} words: ${sentence}`)).toEqual([]);
  });

  it('are told apart', () => {
    const page = [
      '# A title',
      'One sentence with `a b c. D` and',
      'a [link to a page](docs/a. B.md). It ends! "Another"?',
      '- An item: with v1.9.1 in it',
      '  that goes on',
      '- Another',
      '| a | table. Of. Words. |',
      '```',
      'Code. More code.',
      '```',
      '<!-- rules -->',
      'Generated. Texts.',
      '<!-- /rules -->',
      'The end.',
    ];
    expect(sentencesOf(page.join('\n'))).toEqual([
      'A title',
      'One sentence with CODE and a link to a page.',
      'It ends!',
      '"Another"?',
      'An item: with v1.9.1 in it that goes on',
      'Another',
      'The end.',
    ]);
    expect(wordsIn('It keeps CODE – and 5 % of them.')).toBe(7);
  });
});

async function help(...command: string[]): Promise<string> {
  const written = io('.');
  await main([...command, '--help'], written);
  return written.out();
}

function refusedIn(text: string, where: string): string[] {
  return REFUSED.flatMap(([pattern, instead]) =>
    [...text.matchAll(pattern)].map((match) => {
      const before = text.slice(0, match.index).split('\n');
      const line = text.split('\n')[before.length - 1]?.trim() ?? '';
      const place = `${where}:${before.length}:${(before.at(-1) ?? '').length + 1}`;
      return `${place}: "${match[0]}" in "${line.slice(0, 200)}": write "${instead}"`;
    }),
  );
}

/** Returns the code with everything but comments and string literals replaced by spaces; places stay the same. */
function proseOf(code: string): string {
  const source = ts.createSourceFile('prose.ts', code, ts.ScriptTarget.Latest, true);
  const ranges: { readonly pos: number; readonly end: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      ranges.push({ pos: node.getStart(), end: node.end });
    if (node.getChildCount() === 0) {
      ranges.push(
        ...(ts.getLeadingCommentRanges(code, node.getFullStart()) ?? []),
        ...(ts.getTrailingCommentRanges(code, node.end) ?? []),
      );
    }
    for (const child of node.getChildren()) visit(child);
  };
  visit(source);
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  let prose = blank(code);
  for (const { pos, end } of ranges) prose = prose.slice(0, pos) + code.slice(pos, end) + prose.slice(end);
  return prose;
}

/** Returns the sentences of hand-written Markdown, without code, tables, link targets and generated sections. */
function sentencesOf(markdown: string): string[] {
  const text = markdown
    .replaceAll(/^<!-- ([a-z]+) -->$[^]*?^<!-- \/\1 -->$/gm, '\n')
    .replaceAll(/^( *)```[^]*?^ *```$/gm, '\n')
    .replaceAll(/<!--[^]*?-->/g, '\n')
    .replaceAll(/^ *\|.*$/gm, '\n')
    .replaceAll(/`[^`]+`/g, 'CODE')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/^(#+) (.*)$/gm, '\n$2\n')
    .replaceAll(/^ *([-*]|\d+\.) +/gm, '\n\n');
  return text
    .split(/\n\s*\n/)
    .flatMap((paragraph) =>
      paragraph
        .trim()
        .split(/\s+/)
        .join(' ')
        .split(/(?<=[.!?]["')*_]*) (?=["'(*_]*[A-Z0-9])/),
    )
    .filter((sentence) => sentence !== '');
}

function wordsIn(sentence: string): number {
  return sentence.split(' ').filter((word) => /\w/.test(word)).length;
}
