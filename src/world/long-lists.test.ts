import { describe, expect, it } from 'vitest';
import { nestedTemplates, resolveTemplates } from './analysis.ts';
import type { KubeObject } from './object.ts';
import { MOST_REFERENCES } from './reference-list.ts';
import { referenceKeys, selectorKey } from './references.ts';
import { storeOf } from './store.ts';

// More than fit on the stack as the arguments of one call. The API server stores as many: each takes a few bytes.
const MANY = 200_000;

const names = <T>(make: (name: string) => T): T[] => Array.from({ length: MANY }, (_, index) => make(`n-${index}`));

function object(kind: 'Rollout' | 'Experiment' | 'AnalysisTemplate', spec: Record<string, unknown>): KubeObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind, metadata: { name: 'app', namespace: 'shop' }, spec };
}

const canary = (strategy: Record<string, unknown>): KubeObject => object('Rollout', { strategy: { canary: strategy } });
const blueGreen = (strategy: Record<string, unknown>): KubeObject =>
  object('Rollout', { strategy: { blueGreen: strategy } });
const routing = (trafficRouting: Record<string, unknown>): KubeObject => canary({ trafficRouting });

const templates = (): unknown[] => names((templateName) => ({ templateName }));
const envFrom = (): unknown[] => names((name) => ({ configMapRef: { name } }));

const LONG: readonly { readonly title: string; readonly make: () => KubeObject }[] = [
  { title: 'Ingresses of nginx', make: () => routing({ nginx: { stableIngresses: names((name) => name) } }) },
  { title: 'VirtualServices', make: () => routing({ istio: { virtualServices: names((name) => ({ name })) } }) },
  { title: 'templates of the background analysis', make: () => canary({ analysis: { templates: templates() } }) },
  { title: 'templates of a step', make: () => canary({ steps: [{ analysis: { templates: templates() } }] }) },
  {
    title: 'templates before the promotion',
    make: () => blueGreen({ prePromotionAnalysis: { templates: templates() } }),
  },
  {
    title: 'analyses of an experiment step',
    make: () => canary({ steps: [{ experiment: { analyses: templates() } }] }),
  },
  {
    title: 'Services of an experiment step',
    make: () => canary({ steps: [{ experiment: { templates: names((name) => ({ service: { name } })) } }] }),
  },
  { title: 'analyses of an Experiment', make: () => object('Experiment', { analyses: templates() }) },
  {
    title: 'Services of an Experiment',
    make: () => object('Experiment', { templates: names((name) => ({ service: { name } })) }),
  },
  {
    title: 'ConfigMaps of a pod of an Experiment',
    make: () => object('Experiment', { templates: [{ template: { spec: { containers: [{ envFrom: envFrom() }] } } }] }),
  },
  {
    title: 'ConfigMaps of the pods of a Rollout',
    make: () => object('Rollout', { template: { spec: { containers: [{ envFrom: envFrom() }] } } }),
  },
  { title: 'templates of a template', make: () => object('AnalysisTemplate', { templates: templates() }) },
];

// What throws here stops the watch of a whole kind, for everybody.
describe.each(LONG)('$title, any number of them', ({ make }) => {
  it('are references that a world keeps, up to the most that are followed', () => {
    const holder = make();
    expect(MANY).toBeGreaterThan(MOST_REFERENCES);
    expect(referenceKeys(holder).size).toBe(MOST_REFERENCES + 1);
    expect([...storeOf([holder]).all()]).toEqual([holder]);
  });
});

describe('a Rollout with too many references', () => {
  it('is still known to those that have the same pods', () => {
    const selector = { matchLabels: { app: 'a' } };
    const rollout = object('Rollout', {
      selector,
      strategy: { canary: { trafficRouting: { nginx: { stableIngresses: names((name) => name) } } } },
    });
    const key = selectorKey('shop', new Map([['app', 'a']]));
    expect(storeOf([rollout]).referrers(key)).toEqual([rollout]);
  });
});

describe('templates of a template, any number of them', () => {
  it('are resolved until there are too many', () => {
    const holder = object('AnalysisTemplate', { templates: templates() });
    const skipped: string[] = [];
    const { complete } = resolveTemplates(nestedTemplates(holder), 'shop', {
      find: (_kind, _namespace, name) => ({ ...object('AnalysisTemplate', {}), metadata: { name, namespace: 'shop' } }),
      spend: () => undefined,
      skip: (reason) => void skipped.push(reason),
    });
    expect(complete).toBe(false);
    expect(skipped).toEqual(['more than 200 templates are combined']);
  });
});
