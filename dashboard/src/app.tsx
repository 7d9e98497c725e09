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
  const [tab, setTab] = useState<Tab>('manifests');
  const [answer, setAnswer] = useState<Answer>();
  const [problem, setProblem] = useState('');
  const editor = useRef<EditorView>(null);
  const change = (changed: Partial<Question>): void => setState((before) => ({ ...before, ...changed }));
  const files = useFiles(shared === undefined, state.manifests, (manifests) => change({ manifests }));
  const asking = useMemo(
    () =>
      new Asking((reply) => {
        setProblem('problem' in reply ? reply.problem : '');
        if ('answer' in reply) setAnswer(reply.answer);
      }),
    [],
  );
  useEffect(() => asking.ask(state), [state]);
  useEffect(() => {
    // Somebody pastes a link into the address bar of this page.
    const follow = async (): Promise<void> => {
      const linked = await stateIn(location.hash);
      if (linked !== undefined) setState(linked);
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
    setState(({ policy }) => ({ manifests, policy }));
    setTab('manifests');
    editor.current?.scrollDOM.scrollTo({ top: 0 });
  };
  return (
    <>
      <Header state={state} onExample={startFrom} onFiles={files.load} />
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
            onRollout={(rollout) => setState(({ manifests, policy }) => ({ manifests, policy, rollout }))}
            onStage={(stage) => change({ stage })}
            onReplicas={(replicas) =>
              setState(({ replicas: _, ...rest }) => (replicas === undefined ? rest : { ...rest, replicas }))
            }
            onGoTo={show}
          />
        )}
      </main>
    </>
  );
}
