import type { Answer } from '../../src/dashboard/messages.ts';
import { GraphView } from './graph-view.tsx';
import { ReapplyView } from './reapply-view.tsx';
import { TimelineView } from './timeline-view.tsx';

interface SeeProps {
  readonly answer: Answer;
  /** The stage that a person has chosen. */
  readonly chosenStage: number | undefined;
  /** The step at whose end the update is aborted, by its number from 1. */
  readonly abortAt: number | undefined;
  readonly onRollout: (rollout: string) => void;
  readonly onStage: (stage: number) => void;
  readonly onReplicas: (replicas: number | undefined) => void;
  readonly onAbort: (step: number | undefined) => void;
  readonly onGoTo: (line: number) => void;
}

/** What the Rollout controls, what an update does, and what a re-apply would store, all at the same stage. */
export function See({ answer, chosenStage, abortAt, onRollout, onStage, onReplicas, onAbort, onGoTo }: SeeProps) {
  const { timeline, graph, reapplied } = answer;
  const stage = Math.min(chosenStage ?? reapplied?.stage ?? 0, (timeline?.stages.length ?? 1) - 1);
  const at = timeline?.stages[stage];
  return (
    <div class="see">
      <section aria-labelledby="graph">
        <div class="heading">
          <h2 id="graph">What the Rollout controls</h2>
          {answer.rollouts.length > 1 && <RolloutChoice answer={answer} onRollout={onRollout} />}
        </div>
        {graph === undefined ? (
          <p class="hint">There is no Rollout in the manifests.</p>
        ) : (
          <GraphView graph={graph} findings={answer.findings} stage={at} onGoTo={onGoTo} />
        )}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">What an update does</h2>
        {timeline === undefined ? (
          <p class="hint">{answer.timelineProblem ?? 'Nothing is updated without a Rollout.'}</p>
        ) : (
          <TimelineView
            timeline={timeline}
            stage={stage}
            abortAt={abortAt}
            onStage={onStage}
            onReplicas={onReplicas}
            onAbort={onAbort}
          />
        )}
      </section>
      <section aria-labelledby="reapply">
        <h2 id="reapply">What an apply stores at this stage</h2>
        <ReapplyView
          reapplied={reapplied}
          when={at === undefined ? 'this stage' : `step ${at.row.step}, ${at.row.title}`}
          isAborted={at?.isAborted === true}
        />
      </section>
    </div>
  );
}

function RolloutChoice({ answer: { rollout = '', rollouts }, onRollout }: Pick<SeeProps, 'answer' | 'onRollout'>) {
  return (
    <label>
      <span>Rollout</span>
      <select value={rollout} onChange={(event) => onRollout(event.currentTarget.value)}>
        {rollouts.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
