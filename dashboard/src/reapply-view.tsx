import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Reapplied, ReappliedObject } from '../../src/dashboard/messages.ts';
import { YAML } from './editor.tsx';

interface ReapplyProps {
  readonly reapplied: Reapplied | undefined;
  /** The stage in words. */
  readonly when: string;
  /** Whether the stage follows an abort. */
  readonly isAborted: boolean;
}

/** What is stored if everything is applied again at this stage: what is kept, and as a difference. */
export function ReapplyView({ reapplied, when, isAborted }: ReapplyProps) {
  const [chosen, setChosen] = useState('');
  if (reapplied === undefined)
    return (
      <p class="hint">
        {isAborted ? 'The update is aborted' : 'No update is in progress'} at this stage. Choose a step of the timeline.
      </p>
    );
  if (reapplied.objects.length === 0)
    return <p class="hint">The controller writes nothing into these objects, so an apply overwrites nothing.</p>;
  const at = reapplied.objects.find((object) => idOf(object) === chosen) ?? reapplied.objects[0];
  if (at === undefined) return null;
  return (
    <>
      <p class="summary">
        Somebody applies these manifests again at {when}. Without Rollgate they are stored as they are, and what the
        controller wrote is lost.
      </p>
      <div class="choices" role="group" aria-label="Object">
        {reapplied.objects.map((object) => (
          <button
            key={idOf(object)}
            type="button"
            class="quiet"
            aria-pressed={object === at}
            onClick={() => setChosen(idOf(object))}
          >
            {object.kind} {object.name}
          </button>
        ))}
      </div>
      {at.kept.length === 0 ? (
        <p class="problem">The policy keeps nothing here.</p>
      ) : (
        <p class="kept">Kept: {at.kept.join('; ')}.</p>
      )}
      <Difference object={at} />
      <p class="hint">
        <span class="added">Green lines</span> are stored with Rollgate only. <span class="removed">Red lines</span> are
        stored without it.
      </p>
    </>
  );
}

function idOf({ kind, name }: ReappliedObject): string {
  return `${kind}/${name}`;
}

function Difference({ object: { applied, stored, kind, name } }: { object: ReappliedObject }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (element.current === null) return undefined;
    const view = new EditorView({
      parent: element.current,
      state: EditorState.create({
        doc: stored,
        extensions: [
          YAML,
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({
            'aria-label': `${kind} ${name} as it is stored, compared with what is applied`,
            tabindex: '0',
          }),
          unifiedMergeView({
            original: applied,
            mergeControls: false,
            highlightChanges: false,
            gutter: false,
            collapseUnchanged: { margin: 3, minSize: 6 },
          }),
        ],
      }),
    });
    return () => view.destroy();
  }, [applied, stored]);
  return <div class="difference" ref={element} />;
}
