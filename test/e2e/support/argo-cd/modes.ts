/** How Argo CD compares and writes the objects of an Application. */
export interface Mode {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly syncOptions: readonly string[];
  /** `spec.ignoreDifferences`; none by default. */
  readonly ignoreDifferences?: readonly object[];
}

/** The settings that people use, by the name in docs/argo-cd.md. */
export const MODES: readonly Mode[] = [
  {
    name: 'server-side diff',
    annotations: { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true,IncludeMutationWebhook=true' },
    syncOptions: ['ServerSideApply=true'],
  },
  { name: 'client-side', annotations: {}, syncOptions: [] },
  { name: 'server-side apply', annotations: {}, syncOptions: ['ServerSideApply=true'] },
];

/** How often Argo CD tries a failed sync again by itself, and after how long. */
export function retry(limit: number): object {
  return { limit, backoff: { duration: '1s', factor: 1, maxDuration: '1s' } };
}

/** Returns a mode as a part of the name of a namespace. */
export function slugOf({ name }: Mode): string {
  return name.replaceAll(' ', '-');
}
