import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Annotation, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

const NONCE = document.querySelector<HTMLMetaElement>('meta[name=nonce]')?.content ?? '';

const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: 'tok-key' },
  { tag: [tags.string, tags.content], class: 'tok-text' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], class: 'tok-value' },
  { tag: tags.comment, class: 'tok-comment' },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.meta], class: 'tok-mark' },
]);

/** What every editor has that shows YAML. Colors are in the style sheet, for both themes. */
export const YAML: Extension = [
  EditorView.cspNonce.of(NONCE),
  yaml(),
  syntaxHighlighting(highlighting),
  EditorView.lineWrapping,
];

/** A mark at a place of the text. */
export interface Mark {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

interface EditorProps {
  readonly label: string;
  readonly text: string;
  readonly hint?: string;
  readonly marks: readonly Mark[];
  /** The view, for what moves the cursor. */
  readonly view: RefObject<EditorView | null>;
  readonly onChange: (text: string) => void;
}

/** Of a text that the page puts into the editor: the page knows it already. */
const isFromPage = Annotation.define<boolean>();

/** An editor for YAML. Tab leaves it, as every other field. */
export function Editor({ label, text, hint = '', marks, view, onChange }: EditorProps) {
  const element = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  useEffect(() => {
    if (element.current === null) return undefined;
    const editor = new EditorView({
      parent: element.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          YAML,
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          history(),
          drawSelection(),
          bracketMatching(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          placeholder(hint),
          keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        ],
      }),
      dispatchTransactions(transactions, editor) {
        // Before the update, which parses YAML for the colors: the server judges the text meanwhile.
        if (transactions.some((each) => each.docChanged && each.annotation(isFromPage) !== true))
          changed.current(transactions.at(-1)?.newDoc.toString() ?? '');
        editor.update(transactions);
      },
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  // With the rendering, not after it: by then a person may have written more, and this text would undo that.
  useLayoutEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === text) return;
    const changes = { from: 0, to: editor.state.doc.length, insert: text };
    editor.dispatch({ changes, annotations: isFromPage.of(true) });
  }, [text]);
  useEffect(() => {
    const editor = view.current;
    if (editor !== null) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, marks)));
  }, [marks]);
  return <div class="editor" ref={element} />;
}

function diagnosticsOf({ doc }: EditorState, marks: readonly Mark[]): Diagnostic[] {
  return marks
    .filter(({ line }) => line >= 1 && line <= doc.lines)
    .map(({ line: number, column, severity, message }) => {
      const line = doc.line(number);
      const from = Math.min(line.from + column - 1, line.to);
      const text = line.text.replace(/\s+#.*$/, '').trimEnd();
      return { from, to: Math.max(from, line.from + text.length), severity, message };
    })
    .sort((a, b) => a.from - b.from);
}

/** Moves the cursor of an editor to a line, and shows it. */
export function goTo(view: EditorView | null, line: number, column = 1): void {
  if (view === null || line < 1 || line > view.state.doc.lines) return;
  const { from, to } = view.state.doc.line(line);
  const anchor = Math.min(from + column - 1, to);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
  view.focus();
}
