import { matchesGlob } from './glob.ts';

/** What Rollgate does differently for a client that writes many objects by itself, such as Argo CD or Flux. */
export interface Reconciler {
  /**
   * Its dry runs: `deny` as for everybody, `warnAcrossObjects` only warns about contradictions between objects, `warn`
   * about everything.
   */
  readonly dryRun: 'deny' | 'warnAcrossObjects' | 'warn';
  /**
   * Its writes: `deny` as for everybody. `warnAcrossObjects` only warns if an update makes a Rollout or Experiment
   * contradict another object while no update of it is in progress.
   */
  readonly writes: 'deny' | 'warnAcrossObjects';
  /** The tool whose ways to go on a denial names. */
  readonly tool?: 'argo-cd' | 'flux';
}

/** The defaults of a reconciler that a policy names. */
export const RECONCILER_DEFAULTS: Reconciler = { dryRun: 'deny', writes: 'deny' };

/**
 * The reconcilers that ship, by field manager. Argo CD takes a denied dry run for a failed comparison, and then syncs
 * nothing of the Application (gitops-engine, `pkg/diff`). Flux applies nothing if one dry run is denied; then it writes
 * Rollouts before their routes and stops at the first error (fluxcd/pkg, `ssa/manager_apply.go`, `ssa/sort.go`).
 */
export const SHIPPED_RECONCILERS: Readonly<Record<string, Reconciler>> = {
  'argocd-controller': { dryRun: 'warn', writes: 'deny', tool: 'argo-cd' },
  'kustomize-controller': { dryRun: 'warnAcrossObjects', writes: 'warnAcrossObjects', tool: 'flux' },
};

/**
 * Returns the reconciler that writes as a field manager: the one of that exact name, else the first whose glob matches.
 * Every client chooses its field manager itself, so this grants nothing that a user must not have.
 */
export function reconcilerOf(
  reconcilers: Readonly<Record<string, Reconciler>>,
  fieldManager: string,
): Reconciler | undefined {
  if (fieldManager === '') return undefined;
  if (Object.hasOwn(reconcilers, fieldManager)) return reconcilers[fieldManager];
  return Object.entries(reconcilers).find(([name]) => matchesGlob(name, fieldManager))?.[1];
}
