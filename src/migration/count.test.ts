import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import { LAST_APPLIED } from '../world/writers.ts';
import { submittedCount } from './count.ts';
import { POLICY_UIDS, REPLICAS } from './annotations.ts';

interface Given {
  readonly replicas?: number;
  readonly noted?: string;
  readonly policy?: string;
  /** What `kubectl apply` noted; null: a manifest without a count. */
  readonly applied?: number | null;
  readonly writers?: readonly {
    readonly manager: string;
    readonly applies?: boolean;
    readonly owns?: boolean;
    readonly notes?: boolean;
  }[];
}

function deployment({ replicas, noted, policy, applied, writers = [] }: Given): KubeObject {
  const manifest =
    applied === undefined ? undefined : JSON.stringify({ spec: applied === null ? {} : { replicas: applied } });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      annotations: {
        ...(noted === undefined ? {} : { [REPLICAS]: noted }),
        ...(policy === undefined ? {} : { [POLICY_UIDS]: policy }),
        ...(manifest === undefined ? {} : { [LAST_APPLIED]: manifest }),
      },
      managedFields: writers.map(({ manager, applies = false, owns = true, notes = false }) => ({
        manager,
        operation: applies ? 'Apply' : 'Update',
        fieldsV1: {
          'f:metadata': { 'f:annotations': notes ? { [`f:${REPLICAS}`]: {} } : {} },
          'f:spec': owns ? { 'f:replicas': {} } : { 'f:template': {} },
        },
      })),
    },
    spec: replicas === undefined ? {} : { replicas },
  };
}

const HELD: Given = { replicas: 0, noted: '5' };

describe('the count that is asked for', () => {
  it.each<[string, Given, Given | undefined, number | undefined]>([
    ['a new Deployment', { replicas: 3 }, undefined, 3],
    ['a new one without a count is what the API server makes of it', { replicas: 1 }, undefined, 1],
    [
      'a new one that was applied without a count: that says nothing',
      { replicas: 1, applied: null },
      undefined,
      undefined,
    ],
    ['a new one that was exported from where it was converted', { replicas: 0, noted: '5' }, undefined, 5],
    ['a new one that is to have none', { replicas: 0 }, undefined, 0],

    ['applied on the client side: what the manifest says', { replicas: 8, applied: 8 }, { ...HELD, applied: 5 }, 8],
    ['applied on the client side: 1 in the manifest is 1', { replicas: 1, applied: 1 }, { ...HELD, applied: 5 }, 1],
    [
      'applied on the client side: a manifest without a count says nothing',
      { replicas: 0, applied: null },
      { ...HELD, applied: 5 },
      undefined,
    ],
    ['applied on the client side: 0 in the manifest is 0', { replicas: 0, applied: 0 }, { ...HELD, applied: 5 }, 0],
    [
      'applied on the client side in an earlier write: that says nothing now',
      { replicas: 0, noted: '5', applied: 8 },
      { ...HELD, applied: 8 },
      undefined,
    ],

    [
      'applied on the server side',
      { replicas: 8, writers: [{ manager: 'argocd-controller', applies: true }] },
      HELD,
      8,
    ],
    [
      'applied on the server side: 1 in the manifest is 1',
      { replicas: 1, writers: [{ manager: 'argocd-controller', applies: true }] },
      HELD,
      1,
    ],
    [
      'applied on the server side without a count any more',
      { replicas: 1, writers: [{ manager: 'argocd-controller', applies: true, owns: false }] },
      HELD,
      undefined,
    ],
    [
      'applied on the server side without a count',
      { replicas: 0, noted: '5', writers: [{ manager: 'argocd-controller', applies: true, owns: false }] },
      HELD,
      undefined,
    ],

    [
      'applied on the server side as it was exported, over one that runs',
      { replicas: 0, noted: '5', writers: [{ manager: 'argocd-controller', applies: true }] },
      { replicas: 3 },
      5,
    ],
    [
      'likewise over one that goes back and has its note',
      { replicas: 0, noted: '5', writers: [{ manager: 'argocd-controller', applies: true, notes: true }] },
      { replicas: 3, noted: '4' },
      5,
    ],
    [
      'applied on the server side at 0, over one that goes back',
      { replicas: 0, noted: '5', writers: [{ manager: 'argocd-controller', applies: true }] },
      { replicas: 3, noted: '5' },
      0,
    ],
    [
      'replaced as it was exported under another conversion policy, over one that waits',
      { replicas: 0, noted: '5', policy: 'p-1' },
      { replicas: 3, noted: '4', policy: 'p-2' },
      5,
    ],
    [
      'scaled to 0 over one that waits',
      { replicas: 0, noted: '4', policy: 'p-1' },
      { replicas: 3, noted: '4', policy: 'p-1' },
      0,
    ],
    ['scaled to 0 in what was read and is written back', { replicas: 0, noted: '5' }, { replicas: 5, noted: '5' }, 0],

    ['replaced', { replicas: 8, writers: [{ manager: 'argocd-controller' }] }, HELD, 8],
    [
      "replaced by a manifest without a count: the 1 is the API server's",
      { replicas: 1, writers: [{ manager: 'argocd-controller' }] },
      HELD,
      undefined,
    ],
    [
      "replaced by a manifest that says 1, by kubectl's own note",
      { replicas: 1, applied: 1, writers: [{ manager: 'argocd-controller' }] },
      { ...HELD, applied: 1 },
      1,
    ],
    ['edited to 1 by hand', { replicas: 1, writers: [{ manager: 'kubectl-edit' }] }, HELD, 1],
    ['read, changed elsewhere and written back', { replicas: 0, noted: '5' }, HELD, undefined],
    ['seen once more in the same request, held at 0 and noted', { replicas: 0, noted: '8' }, HELD, 8],
    ['a running one, annotated', { replicas: 5 }, { replicas: 5 }, undefined],
    ['a running one, applied with another count', { replicas: 7 }, { replicas: 5 }, 7],
  ])('%s', (_, submitted, old, count) => {
    expect(
      submittedCount({ submitted: deployment(submitted), old: old === undefined ? undefined : deployment(old) }),
    ).toBe(count);
  });
});
