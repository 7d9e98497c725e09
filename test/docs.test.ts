import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { programFor } from '../src/program.ts';
import { io } from './cli/support.ts';

// What a reader follows: each relative link leads to a file and a heading, and each command exists with its options.

const ROOT = join(import.meta.dirname, '..');
const PAGES = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'certs/*.md', 'chart/*.md'], { cwd: ROOT }).sort();
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

describe('the documentation', () => {
  it.each(PAGES)('%s links to files and headings that exist', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([]);
  });

  it.each(PAGES)('%s names commands and options that exist', async (page) => {
    const wrong: string[] = [];
    for (const line of commandsIn(read(page))) wrong.push(...(await mistakesIn(line)));
    expect(wrong).toEqual([]);
  });

  it('names every command of the program somewhere', async () => {
    const named = new Set(PAGES.flatMap((page) => commandsIn(read(page)).map((line) => line.split(' ')[1])));
    const { commands } = await programFor([], io('.'), () => undefined);
    expect(commands.map((command) => command.name()).filter((name) => !named.has(name))).toEqual([]);
  });

  it('is found wrong where it is', async () => {
    const text = 'See [a](docs/absent.md), [b](README.md#no-such-heading), [c](docs/install.md#the-image).';
    expect(brokenLinks('README.md', text)).toEqual([
      'docs/absent.md: no such file',
      'README.md#no-such-heading: no such heading',
    ]);
    const page = [
      'Run `rollgate lnt x`.',
      '```sh',
      'node dist/cli.js lint --namspace a | rollgate rules # all',
      'kubectl -n rollgate exec deploy/rollgate -- rollgate scan',
      'kubectl -n rollgate get pods',
      '```',
    ];
    expect(commandsIn(page.join('\n'))).toEqual([
      'rollgate lint --namspace a',
      'rollgate rules',
      'rollgate scan',
      'rollgate lnt x',
    ]);
    expect(await mistakesIn('rollgate lnt x')).toEqual(['rollgate lnt x: no command lnt']);
    expect(await mistakesIn('rollgate lint --namspace a')).toEqual([
      'rollgate lint --namspace a: no option --namspace',
    ]);
    expect(await mistakesIn('rollgate lint --cluster -o sarif .')).toEqual([]);
  });
});

function brokenLinks(page: string, markdown: string): string[] {
  const text = withoutCode(markdown);
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return [`${link}: no such file`];
    if (heading === undefined || !target.endsWith('.md')) return [];
    return headingsOf(read(target)).has(heading) ? [] : [`${link}: no such heading`];
  });
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^( *)```[^]*?^ *```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

// As GitHub makes anchors of headings.
function headingsOf(markdown: string): ReadonlySet<string> {
  const found = new Map<string, number>();
  const anchors = [...markdown.replaceAll(/^( *)```[^]*?^ *```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(
    ([, title = '']) => {
      const anchor = title
        .toLowerCase()
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-');
      const count = found.get(anchor) ?? 0;
      found.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    },
  );
  return new Set(anchors);
}

/** Returns the commands in code blocks for the shell and in code spans, each as `rollgate NAME ...`. */
function commandsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].map(([, text = '']) =>
    text.replaceAll(/\\\n\s*/g, ' '),
  );
  const spans = [...markdown.replaceAll(/^( *)```[^]*?^ *```$/gm, '').matchAll(/`([^`\n]*)`/g)].map(
    ([, text = '']) => text,
  );
  return [...blocks.flatMap((block) => block.split('\n')), ...spans].flatMap((line) =>
    line
      .replace(/(^|\s)#.*$/, '')
      .split(/[|;&]+/)
      .flatMap((part) => {
        const [, rest] =
          /^(?:.* -- |npx .* )?(?:kubectl )?(?:rollgate|node dist\/cli\.js) (\S.*)$/.exec(part.trim()) ?? [];
        return rest === undefined ? [] : [`rollgate ${rest}`];
      }),
  );
}

async function mistakesIn(line: string): Promise<string[]> {
  const words = line.split(/\s+/).slice(1);
  let command: Command = await programFor(words, io('.'), () => undefined);
  const path: string[] = [];
  while (words[0] !== undefined && !words[0].startsWith('-')) {
    const next = command.commands.find((each) => each.name() === words[0]);
    if (next === undefined && command.commands.length > 0) return [`${line}: no command ${words[0]}`];
    if (next === undefined) break;
    command = next;
    path.push(words.shift() ?? '');
  }
  const known = new Set([...command.options.flatMap(({ short, long }) => [short, long]), ...['--help', '-h']]);
  return words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.split('=')[0] ?? '')
    .filter((option) => !known.has(option))
    .map((option) => `${line}: no option ${option}`);
}
