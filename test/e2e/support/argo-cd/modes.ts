/** How Argo CD compares and writes the objects of an Application. */
export interface Mode {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly syncOptions: readonly string[];
  /** `spec.ignoreDifferences`. */
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

/** Further settings, which are seen in an update only. */
export const OTHER_MODES: readonly Mode[] = [
  { name: 'client-side, `Replace=true`', annotations: {}, syncOptions: ['Replace=true'] },
  {
    name: 'server-side diff, `ApplyOutOfSyncOnly=true`',
    annotations: { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true,IncludeMutationWebhook=true' },
    syncOptions: ['ServerSideApply=true', 'ApplyOutOfSyncOnly=true'],
  },
  {
    name: 'client-side, weights and hashes in `ignoreDifferences`, `RespectIgnoreDifferences=true`',
    annotations: {},
    syncOptions: ['RespectIgnoreDifferences=true'],
    ignoreDifferences: [
      {
        group: 'networking.istio.io',
        kind: 'VirtualService',
        jqPathExpressions: ['.spec.http[].route[].weight'],
      },
      {
        group: 'networking.istio.io',
        kind: 'DestinationRule',
        jqPathExpressions: ['.spec.subsets[].labels."rollouts-pod-template-hash"'],
      },
    ],
  },
];

/** How often Argo CD tries a failed sync again by itself, and after how long. */
export function retry(limit: number): object {
  return { limit, backoff: { duration: '1s', factor: 1, maxDuration: '1s' } };
}

/** Returns a mode as a part of the name of a namespace. */
export function slugOf({ name }: Mode): string {
  return name
    .replaceAll(/[^a-zA-Z]+/g, '-')
    .toLowerCase()
    .slice(0, 40)
    .replace(/-$/, '');
}
