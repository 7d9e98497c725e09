import type { Answer, JudgedFinding } from '../../src/dashboard/messages.ts';

interface FindingsProps {
  readonly answer: Answer;
  readonly onGoTo: (line: number, column: number) => void;
}

/** What is wrong and how to fix it. A click leads to the place. */
export function FindingsView({ answer, onGoTo }: FindingsProps) {
  const { findings, errors, more } = answer;
  return (
    <ul class="findings">
      {errors.map(({ line, column, message }) => (
        <li key={`${line} ${message}`}>
          <button type="button" onClick={() => onGoTo(line, column)}>
            <span class="badge deny">error</span> <span class="place">line {line}</span>
            <span class="message">{message}</span>
          </button>
        </li>
      ))}
      {findings.map((finding) => (
        <Finding key={`${finding.rule} ${finding.line} ${finding.message}`} finding={finding} onGoTo={onGoTo} />
      ))}
      {more > 0 && <li class="hint">and {more} more</li>}
    </ul>
  );
}

function Finding({ finding, onGoTo }: { finding: JudgedFinding } & Pick<FindingsProps, 'onGoTo'>) {
  const { decision, builtIn, message, fix, rule, line = 1, column = 1 } = finding;
  return (
    <li>
      <button type="button" onClick={() => onGoTo(line, column)}>
        <span class={`badge ${decision}`}>{decision}</span>{' '}
        {builtIn !== undefined && <span class="was">was {builtIn}</span>} <span class="place">line {line}</span>{' '}
        <span class="rule">{rule}</span>
        <span class="message">{message}</span>
        <span class="fix">{fix}</span>
      </button>
    </li>
  );
}

/** Returns the verdict in one sentence. */
export function verdictOf({ counts: { deny: denied, warn: warned, errors }, objects }: Answer): string {
  if (errors > 0) return `${counted(errors, 'document')} cannot be read`;
  if (objects === 0) return 'There is no manifest yet';
  if (denied + warned === 0) return `${counted(objects, 'object')}, no problem found`;
  const parts = [
    ...(denied === 0 ? [] : [`${counted(denied, 'problem')} would be denied`]),
    ...(warned === 0 ? [] : [counted(warned, 'warning')]),
  ];
  return parts.join(', ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Returns how grave the verdict is, for its color. */
export function gravityOf({ verdict, findings, errors }: Answer): string {
  if (verdict === 'deny' || errors.length > 0) return 'deny';
  return findings.length > 0 ? 'warn' : '';
}

/** What the edited policy changes. */
export function PolicyEffectView({ answer: { policy, verdict } }: { answer: Answer }) {
  if (policy.errors.length > 0)
    return (
      <div role="status" class="effect problem">
        <p>The policy is not valid, so the built-in one is used.</p>
        <ul>
          {policy.errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      </div>
    );
  const dropped = policy.dropped.length + policy.moreDropped;
  if (policy.changed + dropped === 0)
    return (
      <p role="status" class="effect hint">
        This policy decides about all findings as the built-in one does. What it keeps is in what an apply stores.
      </p>
    );
  return (
    <div role="status" class="effect">
      <p>
        With this policy the manifests are <b>{verdict === 'deny' ? 'denied' : 'allowed'}</b>; with the built-in one
        they are {policy.verdict === 'deny' ? 'denied' : 'allowed'}. {counted(policy.changed, 'finding')} decided
        differently, {dropped} no longer reported.
      </p>
      {policy.dropped.length > 0 && (
        <ul>
          {policy.dropped.map(({ rule, line, message }) => (
            <li key={`${rule} ${line}`}>
              <span class="rule">{rule}</span> <span class="was">{message}</span>
            </li>
          ))}
          {policy.moreDropped > 0 && <li class="hint">and {policy.moreDropped} more</li>}
        </ul>
      )}
    </div>
  );
}
