import type { GivenFile } from '../../src/dashboard/messages.ts';

// A directive, such as %YAML, may follow comments.
const DIRECTIVE = /^(?:[ \t]*(?:#.*)?\n)*%/;

/** Returns the texts of files as one text, each below a comment with its name. */
export function joined(files: readonly GivenFile[]): string {
  const [only] = files;
  if (files.length === 1 && only !== undefined) return plain(only.text);
  return files
    .map((file, index) => {
      const text = plain(file.text)
        .replace(/^---\n/, '')
        .trimEnd();
      // A directive is only allowed after the end of a document.
      const mark = index === 0 ? '' : DIRECTIVE.test(text) ? '...\n' : '---\n';
      return `${mark}# ${lineOf(file.name)}\n${text}\n`;
    })
    .join('');
}

// As the editor has it: with a CR or a byte order mark it would never be equal to the text of the editor.
function plain(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
}

// A name of a file may have line breaks.
function lineOf(name: string): string {
  return name.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
