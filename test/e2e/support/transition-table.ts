import type { Right } from '../harness/tenants.ts';
import type { Outcome, State } from './transitions.ts';

/** What a request changes. */
export type Change =
  /** Another annotation. */
  | 'touch'
  | 'image'
  | 'count'
  /** Ask for the conversion. */
  | 'ask'
  | 'other profile'
  | 'off'
  /** Remove `rollgate.io/convert`. */
  | 'unask'
  /** Remove everything of Rollgate. */
  | 'remove all'
  /** Remove what admission adds, and leave the wish. */
  | 'remove proof'
  /** Add what a converted Deployment has, but for the Rollout. */
  | 'forge proof'
  /** The same without asking for the conversion. */
  | 'forge count'
  /** Add all that a converted Deployment has, as a restored backup does. */
  | 'forge all'
  | 'forge uid'
  | 'suspend'
  /** End a suspension. */
  | 'resume';

/** How a request is made. */
export type Door = 'create' | 'update' | 'status' | 'scale';

/** What is expected: who runs the pods in the end. A refused request changes nothing. */
export type Expected = Outcome | 'refused';

/** A transition, and what is expected by the right of the user and whether Rollgate answers. */
export interface Row {
  readonly from: State;
  readonly door: Door;
  readonly change: Change;
  readonly up: Readonly<Record<Right, Expected>>;
  readonly down: Readonly<Record<Right, Expected>>;
}

const [D, R, NO] = ['Deployment', 'Rollout', 'refused'] as const;

/** The columns: Rollgate up, without and with the right; Rollgate down, likewise. */
type Columns = readonly [Expected, Expected, Expected, Expected];

function rows(from: State, lines: readonly (readonly [Door, Change, ...Columns])[]): Row[] {
  return lines.map(([door, change, upWithout, upWith, downWithout, downWith]) => ({
    from,
    door,
    change,
    up: { without: upWithout, with: upWith },
    down: { without: downWithout, with: downWith },
  }));
}

/** What is expected of every transition of docs/conversion.md. */
export const TABLE: readonly Row[] = [
  ...rows('absent', [
    ['create', 'touch', D, D, D, D],
    ['create', 'off', D, D, D, D],
    ['create', 'ask', NO, R, D, D],
    ['create', 'forge proof', NO, R, NO, R],
    // The Rollout that it names does not exist here, so it is suspended, with its pods.
    ['create', 'forge all', NO, R, NO, D],
    ['create', 'forge count', D, D, NO, D],
  ]),
  ...rows('plain', [
    ['update', 'touch', D, D, D, D],
    ['update', 'image', D, D, D, D],
    ['scale', 'count', D, D, D, D],
    ['update', 'ask', NO, R, D, D],
    ['status', 'ask', D, D, D, D],
    ['update', 'forge proof', NO, R, NO, R],
    ['status', 'forge proof', NO, R, NO, R],
    ['update', 'forge count', D, D, NO, D],
    ['status', 'forge count', NO, D, NO, D],
    ['update', 'forge all', NO, R, NO, D],
    ['status', 'forge all', NO, D, NO, D],
    ['update', 'suspend', D, D, NO, D],
    ['status', 'forge uid', NO, D, NO, D],
  ]),
  ...rows('wish', [
    // With the right it counts as asking now.
    ['update', 'touch', D, R, D, D],
    ['update', 'image', D, R, D, D],
    ['status', 'touch', D, D, D, D],
    ['scale', 'count', D, D, D, D],
    ['update', 'off', D, D, D, D],
    ['update', 'unask', D, D, D, D],
    ['status', 'unask', D, D, D, D],
    // Without the right Rollgate removes it again.
    ['update', 'forge proof', D, R, NO, R],
    ['status', 'forge proof', NO, R, NO, R],
    ['update', 'other profile', NO, R, D, D],
  ]),
  ...rows('converting', [
    ['update', 'touch', R, R, R, R],
    ['scale', 'count', R, R, R, R],
    ['update', 'other profile', NO, R, NO, R],
    ['update', 'off', D, D, D, D],
    ['update', 'unask', D, D, D, D],
    ['update', 'remove all', D, D, D, D],
    ['status', 'remove all', D, D, D, D],
  ]),
  ...rows('converted', [
    ['update', 'touch', R, R, R, R],
    ['status', 'touch', R, R, R, R],
    ['update', 'image', R, R, R, R],
    ['update', 'count', R, R, R, R],
    ['scale', 'count', R, R, R, R],
    ['update', 'other profile', NO, R, NO, R],
    ['status', 'other profile', NO, R, NO, R],
    ['update', 'off', D, D, D, D],
    ['status', 'off', D, D, D, D],
    ['update', 'unask', D, D, D, D],
    ['status', 'unask', D, D, D, D],
    ['update', 'remove all', D, D, D, D],
    ['status', 'remove all', D, D, D, D],
    ['update', 'remove proof', R, R, R, R],
    ['status', 'remove proof', R, R, R, R],
    // Rollgate restores them, or notes the right ones again.
    ['update', 'forge uid', R, R, NO, R],
    ['status', 'forge uid', NO, R, NO, R],
    ['update', 'suspend', R, R, NO, R],
    ['status', 'suspend', NO, R, NO, R],
  ]),
  ...rows('updating', [
    ['update', 'touch', R, R, R, R],
    ['update', 'count', R, R, R, R],
    ['scale', 'count', R, R, R, R],
    ['update', 'other profile', NO, R, NO, R],
    // All of these wait for the end of the canary.
    ['update', 'off', R, R, R, R],
    ['update', 'unask', R, R, R, R],
    ['update', 'remove all', R, R, R, R],
    ['status', 'remove all', R, R, R, R],
  ]),
  ...rows('leaving', [
    ['update', 'touch', R, R, R, R],
    ['update', 'ask', NO, R, NO, R],
    ['status', 'ask', NO, R, NO, R],
    ['update', 'unask', R, R, R, R],
    // It asks for pods of its own, and gets them at once.
    ['scale', 'count', 'both', 'both', 'both', 'both'],
  ]),
  ...rows('suspended', [
    ['update', 'touch', D, D, D, D],
    ['update', 'image', D, D, D, D],
    ['scale', 'count', D, D, D, D],
    ['update', 'off', D, D, D, D],
    ['update', 'unask', D, D, D, D],
    ['update', 'remove all', D, D, D, D],
    ['status', 'remove all', D, D, D, D],
    ['update', 'other profile', NO, D, NO, D],
    // Somebody with the right had it converted, and that still counts.
    ['update', 'resume', R, R, R, R],
    ['status', 'resume', R, R, R, R],
    ['status', 'forge uid', NO, D, NO, D],
  ]),
];

/** The changes by which users go back. Nobody may be refused these. */
export const BACK: readonly Change[] = ['off', 'unask', 'remove all', 'remove proof'];

/** The states in which nobody with the right has asked for a Rollout yet. */
export const UNASKED: readonly State[] = ['absent', 'plain', 'wish'];
