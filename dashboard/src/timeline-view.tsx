import type { ShownStage, ShownTimeline } from '../../src/dashboard/messages.ts';

interface TimelineProps {
  readonly timeline: ShownTimeline;
  /** The index of the stage that is shown everywhere. */
  readonly stage: number;
  /** The step at whose end the update is aborted, by its number from 1. */
  readonly abortAt: number | undefined;
  readonly onStage: (stage: number) => void;
  readonly onReplicas: (replicas: number | undefined) => void;
  readonly onAbort: (step: number | undefined) => void;
}

const MOST_REPLICAS = 100_000;
// A browser takes seconds to lay out thousands of rows, at each stage again.
const MOST_ROWS = 200;

/** The update as a chart, a row for each stage, with a slider that walks through it. */
export function TimelineView({ timeline, stage, abortAt, onStage, onReplicas, onAbort }: TimelineProps) {
  const { stages, summary, notes, counts, replicas, strategy, abortProblem } = timeline;
  const [fresh, old] = strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
  const at = stages[stage];
  const first = Math.floor(stage / MOST_ROWS) * MOST_ROWS;
  const shown = stages.slice(first, first + MOST_ROWS);
  const hasExperiment = stages.some(({ pods }) => pods.experiment > 0);
  return (
    <>
      <p class="summary">{summary.join(' ')}</p>
      <div class="controls">
        <label class="slider">
          <span>Stage</span>
          <input
            type="range"
            min="0"
            max={stages.length - 1}
            step="1"
            value={stage}
            aria-valuetext={at === undefined ? '' : textOf(at, fresh, old)}
            onInput={(event) => onStage(Number(event.currentTarget.value))}
          />
        </label>
        <AbortButton step={at?.row.step ?? ''} abortAt={abortAt} onAbort={onAbort} />
        <label>
          <span>Replicas</span>
          <input
            class="number"
            type="number"
            min="0"
            max={MOST_REPLICAS}
            value={replicas}
            onChange={(event) => onReplicas(countIn(event.currentTarget.value))}
          />
        </label>
        {counts.map(({ replicas: count, from }) => (
          <button
            key={count}
            type="button"
            class="quiet"
            aria-pressed={count === replicas}
            onClick={() => onReplicas(count)}
          >
            {count}: {from}
          </button>
        ))}
      </div>
      {abortProblem !== undefined && (
        <p class="problem" role="status">
          This update cannot be aborted there: {abortProblem}.
        </p>
      )}
      <p class="now" aria-live="polite">
        {at === undefined ? '' : textOf(at, fresh, old)}
      </p>
      <div class="chart" tabIndex={0} role="region" aria-label="Chart of the update">
        <table>
          <thead>
            <tr>
              <th scope="col">step</th>
              <th scope="col">
                <span class="axis">
                  <span>
                    requests <Key of="canary" name={fresh} />{' '}
                    {hasExperiment && <Key of="experiment" name="experiment" />} <Key of="stable" name={old} />
                  </span>
                  <span>to {fresh}</span>
                </span>
              </th>
              <th scope="col">
                <span class="axis">
                  <span>pods</span>
                  <span>
                    {fresh} / {old}
                  </span>
                </span>
              </th>
              <th scope="col">waits for</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((each, row) => (
              <Row
                key={first + row}
                stage={each}
                mostPods={timeline.mostPods}
                isNow={first + row === stage}
                onChoose={() => onStage(first + row)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < stages.length && (
        <p class="hint">
          Stages {first + 1} to {first + shown.length} of {stages.length} are shown: move the slider to see others.
        </p>
      )}
      {notes.length > 0 && (
        <ul class="notes">
          {notes.map(({ about, text, isProblem }) => (
            <li key={`${about} ${text}`} class={isProblem ? 'problem' : ''}>
              <b>{about}:</b> {text}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** The color of a bar, and what it stands for. */
function Key({ of, name }: { readonly of: 'canary' | 'experiment' | 'stable'; readonly name: string }) {
  return (
    <span class="named">
      <span class={`key ${of}`} /> {name}
    </span>
  );
}

type AbortProps = Pick<TimelineProps, 'abortAt' | 'onAbort'> & {
  /** The number of the step that is shown; empty where it is none. */
  readonly step: string;
};

function AbortButton({ step, abortAt, onAbort }: AbortProps) {
  const isAborted = abortAt !== undefined;
  const at = isAborted ? String(abortAt) : step;
  return (
    <button
      type="button"
      class="quiet"
      aria-pressed={isAborted}
      disabled={at === ''}
      onClick={() => onAbort(isAborted ? undefined : Number(step))}
    >
      {at === '' ? 'Abort at a step' : `Abort at step ${at}`}
    </button>
  );
}

interface RowProps {
  readonly stage: ShownStage;
  readonly mostPods: number;
  readonly isNow: boolean;
  readonly onChoose: () => void;
}

function Row({ stage, mostPods, isNow, onChoose }: RowProps) {
  const { row, pods, traffic } = stage;
  return (
    <tr
      class={`${isNow ? 'now' : ''} ${stage.isAborted === true ? 'aborted' : ''}`}
      aria-current={isNow ? 'step' : undefined}
      onClick={onChoose}
    >
      <th scope="row">
        <span class="step">{row.step}</span> {row.title}
      </th>
      <td>
        <Bars canary={traffic.canary} experiment={traffic.experiment} stable={traffic.stable} whole={1} />
        <span class="value">{row.traffic}</span>
      </td>
      <td>
        <Bars canary={pods.canary} experiment={pods.experiment} stable={pods.stable} whole={mostPods} />
        <span class="value">
          {row.canary} / {row.stable}
        </span>
      </td>
      <td>{row.wait}</td>
    </tr>
  );
}

interface BarsProps {
  readonly canary: number;
  readonly experiment: number;
  readonly stable: number;
  readonly whole: number;
}

function Bars({ canary, experiment, stable, whole }: BarsProps) {
  const width = (value: number): string => `${whole === 0 ? 0 : (value / whole) * 100}%`;
  return (
    <span class="bars" aria-hidden="true">
      <span class="canary" style={{ width: width(canary) }} />
      <span class="experiment" style={{ width: width(experiment) }} />
      <span class="stable" style={{ width: width(stable) }} />
    </span>
  );
}

function textOf({ row, pods, traffic }: ShownStage, fresh: string, old: string): string {
  const name = row.step === '' ? row.title : `step ${row.step}, ${row.title}`;
  const wait = row.wait === '' ? '' : `; waits for ${row.wait}`;
  const isRunning = pods.experiment > 0;
  const toExperiment = isRunning ? `, ${Math.round(traffic.experiment * 100)} % to those of the experiment` : '';
  const ofExperiment = isRunning ? `, ${pods.experiment} experiment` : '';
  return `${capital(name)}: ${row.traffic} of the requests to the ${fresh} pods${toExperiment}; ${pods.canary} ${fresh}${ofExperiment} and ${row.stable} ${old} pods${wait}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function countIn(text: string): number | undefined {
  const count = Number(text);
  return text !== '' && Number.isInteger(count) && count >= 0 && count <= MOST_REPLICAS ? count : undefined;
}
