import type { EditorView } from '@codemirror/view';
import type { RefObject } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Answer, Question } from '../../src/dashboard/messages.ts';
import { Editor, type Mark } from './editor.tsx';
import type { Files } from './files.ts';
import { FindingsView, gravityOf, PolicyEffectView, verdictOf } from './findings-view.tsx';

const POLICY_HINT = '# Empty: the built-in policy. For example:\nrules:\n  route-port-exists: warn';
const TABS = ['manifests', 'policy'] as const;

/** What is edited. */
export type Tab = (typeof TABS)[number];

interface WriteProps {
  readonly state: Question;
  readonly answer: Answer | undefined;
  /** Why there is no new answer; empty if there is one. */
  readonly problem: string;
  readonly files: Files;
  readonly tab: Tab;
  readonly editor: RefObject<EditorView | null>;
  readonly onTab: (tab: Tab) => void;
  readonly onChange: (changed: Partial<Question>) => void;
  readonly onGoTo: (line: number, column: number) => void;
}

/** The editors of manifests and policy, and the findings. */
export function Write({ state, answer, problem, files, tab, editor, onTab, onChange, onGoTo }: WriteProps) {
  const marks = useMemo(() => (answer === undefined ? [] : marksOf(answer)), [answer]);
  const policyEditor = useRef<EditorView>(null);
  return (
    <section class="write" aria-labelledby="write">
      <h2 id="write" class="hidden">
        Manifests and policy
      </h2>
      <div class="tabs">
        <Tabs tab={tab} onTab={onTab} />
        <span class="space" />
        <p class={`verdict ${problem === '' && answer !== undefined ? gravityOf(answer) : 'deny'}`} role="status">
          {problem === '' && answer !== undefined ? verdictOf(answer) : problem}
        </p>
      </div>
      <FileNotes files={files} />
      <div role="tabpanel" id="panel-manifests" aria-labelledby="tab-manifests" hidden={tab !== 'manifests'}>
        <Editor
          label="Manifests"
          text={state.manifests}
          marks={marks}
          view={editor}
          hint="Paste manifests: a Rollout with its Services, routes and analyses"
          onChange={(manifests) => onChange({ manifests })}
        />
      </div>
      <div role="tabpanel" id="panel-policy" aria-labelledby="tab-policy" hidden={tab !== 'policy'}>
        <Editor
          label="Policy"
          text={state.policy}
          marks={NO_MARKS}
          view={policyEditor}
          hint={POLICY_HINT}
          onChange={(policy) => onChange({ policy })}
        />
        {answer !== undefined && <PolicyEffectView answer={answer} />}
      </div>
      {answer !== undefined && <FindingsView answer={answer} onGoTo={onGoTo} />}
    </section>
  );
}

const NO_MARKS: readonly Mark[] = [];

function Tabs({ tab, onTab }: Pick<WriteProps, 'tab' | 'onTab'>) {
  return (
    <div role="tablist" aria-label="Editor">
      {TABS.map((each) => (
        <button
          key={each}
          type="button"
          role="tab"
          id={`tab-${each}`}
          aria-selected={tab === each}
          aria-controls={`panel-${each}`}
          tabIndex={tab === each ? 0 : -1}
          onClick={() => onTab(each)}
          onKeyDown={(event) => {
            if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
            const other = each === 'manifests' ? 'policy' : 'manifests';
            onTab(other);
            document.getElementById(`tab-${other}`)?.focus();
          }}
        >
          {each === 'manifests' ? 'Manifests' : 'Policy'}
        </button>
      ))}
    </div>
  );
}

function FileNotes({ files: { notes, changed, load } }: Pick<WriteProps, 'files'>) {
  return (
    <>
      {notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {changed !== undefined && (
        <p class="note" role="status">
          The files have changed.{' '}
          <button type="button" class="quiet" onClick={load}>
            Load them
          </button>
        </p>
      )}
    </>
  );
}

function marksOf({ findings, errors }: Answer): readonly Mark[] {
  return [
    ...errors.map(({ line, column, message }): Mark => ({ line, column, severity: 'error', message })),
    ...findings.flatMap(({ line, column, decision, message, fix }): Mark[] =>
      line === undefined || column === undefined
        ? []
        : [{ line, column, severity: decision === 'deny' ? 'error' : 'warning', message: `${message}: ${fix}` }],
    ),
  ];
}
