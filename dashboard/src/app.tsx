import type { EditorView } from '@codemirror/view';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Answer, Question } from '../../src/dashboard/messages.ts';
import { Asking } from './asking.ts';
import { goTo } from './editor.tsx';
import { EXAMPLES } from './examples.ts';
import { HAS_FILES, useFiles } from './files.ts';
import { Header } from './header.tsx';
import { stateIn, type SharedState } from './link.ts';
import { See } from './see.tsx';
import { Write, type Tab } from './write.tsx';

const [FIRST] = EXAMPLES;

/** The page. */
export function App({ shared }: { readonly shared: SharedState | undefined }) {
  const [state, setState] = useState<Question>(shared ?? { manifests: HAS_FILES ? '' : FIRST.text, policy: '' });
  const latest = useRef(state);
  const [tab, setTab] = useState<Tab>('manifests');
  const [answer, setAnswer] = useState<Answer>();
  const [problem, setProblem] = useState('');
  const editor = useRef<EditorView>(null);
  const asking = useMemo(
    () =>
      new Asking((reply) => {
        setProblem('problem' in reply ? reply.problem : '');
        if ('answer' in reply) setAnswer(reply.answer);
      }),
    [],
  );
  // At once, and not when it is painted.
  const replace = (next: Question): void => {
    latest.current = next;
    setState(next);
    asking.ask(next);
  };
  const change = (changed: Partial<Question>): void => {
    const next = { ...latest.current, ...changed };
    // A file may be stored again as it was, a stage chosen again.
    if (JSON.stringify(next) !== JSON.stringify(latest.current)) replace(next);
  };
  const files = useFiles(shared === undefined, state.manifests, (manifests) => change({ manifests }));
  useEffect(() => asking.ask(latest.current), []);
  useEffect(() => {
    // Somebody pastes a link into the address bar of this page.
    const follow = async (): Promise<void> => {
      const linked = await stateIn(location.hash);
      if (linked !== undefined) replace(linked);
    };
    const onHash = (): void => void follow();
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);

  const show = (line: number, column = 1): void => {
    setTab('manifests');
    // The editor has no size before it is shown.
    requestAnimationFrame(() => goTo(editor.current, line, column));
  };
  const startFrom = (manifests: string): void => {
    replace({ manifests, policy: latest.current.policy });
    setTab('manifests');
    editor.current?.scrollDOM.scrollTo({ top: 0 });
  };
  return (
    <>
      <Header state={state} onExample={startFrom} files={files} />
      <main>
        <Write
          state={state}
          answer={answer}
          problem={problem}
          files={files}
          tab={tab}
          editor={editor}
          onTab={setTab}
          onChange={change}
          onGoTo={show}
        />
        {answer !== undefined && (
          <See
            answer={answer}
            chosenStage={state.stage}
            abortAt={state.abortAt}
            onRollout={(rollout) => {
              const { manifests, policy } = latest.current;
              replace({ manifests, policy, rollout });
            }}
            onStage={(stage) => change({ stage })}
            onReplicas={(replicas) => {
              const { replicas: _, ...rest } = latest.current;
              replace(replicas === undefined ? rest : { ...rest, replicas });
            }}
            onAbort={(abortAt) => {
              const { abortAt: _, ...rest } = latest.current;
              replace(abortAt === undefined ? rest : { ...rest, abortAt });
            }}
            onGoTo={show}
          />
        )}
      </main>
    </>
  );
}
