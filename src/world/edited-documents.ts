import { lineStarts } from './line-starts.ts';
import { yamlDocuments, type DocumentError, type ParsedDocument } from './yaml-documents.ts';

type Documents = readonly (ParsedDocument | DocumentError)[];

// A directive counts for what follows, and `...` ends a document without beginning the next one.
const IS_DEPENDENT = /(?:^|\n)\uFEFF?(?:%|\.\.\.)/;
const MARK = '---';

/**
 * Reads a text that is read again after each edit. Only the documents that have changed are parsed: of the others come the
 * very same values, so that what was derived from them is still known.
 */
export class EditedDocuments {
  readonly #parse: typeof yamlDocuments;
  #known: ReadonlyMap<string, readonly Documents[]> = new Map();

  /** @param parse - Parses a part of the text. */
  constructor(parse = yamlDocuments) {
    this.#parse = parse;
  }

  /** Returns the same as `yamlDocuments`. */
  *read(text: string): ReturnType<typeof yamlDocuments> {
    if (IS_DEPENDENT.test(text)) {
      this.#known = new Map();
      yield* this.#parse(text);
      return;
    }
    const known = this.#known;
    const read = new Map<string, Documents[]>();
    this.#known = read;
    for (const { start, end } of partsOf(text)) {
      const part = text.slice(start, end);
      const same = read.get(part) ?? [];
      // A part that is twice in the text has values of its own in each place.
      const documents = known.get(part)?.[same.length] ?? [...this.#parse(copyOf(part))];
      if (end < text.length && documents.some((document) => 'error' in document)) {
        // A quoted text that does not end may go on beyond the mark.
        for (const document of this.#parse(text.slice(start))) yield movedBy(start, document);
        return;
      }
      same.push(documents);
      read.set(part, same);
      for (const document of documents) yield movedBy(start, document);
    }
  }
}

// A slice keeps all of the text that it is from, and the values of a document are slices of what was parsed. JSON has lone
// surrogates too, which UTF-8 has not.
function copyOf(part: string): string {
  return String(JSON.parse(JSON.stringify(part)));
}

/** Returns the parts of a text, each with one document or with comments only. */
function partsOf(text: string): { readonly start: number; readonly end: number }[] {
  const starts = lineStarts(text).filter((at) => at === 0 || isMark(text, at));
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? text.length }));
}

function isMark(text: string, at: number): boolean {
  return text.startsWith(MARK, at) && ' \t\r\n'.includes(text.charAt(at + MARK.length));
}

function movedBy(start: number, document: ParsedDocument | DocumentError): ParsedDocument | DocumentError {
  if ('error' in document) return { ...document, offset: document.offset + start };
  const { outline, repeated } = document;
  return {
    ...document,
    outline: { offsetOf: (path) => outline.offsetOf(path) + start },
    repeated: repeated.map((each) => ({ ...each, first: each.first + start, last: each.last + start })),
  };
}
