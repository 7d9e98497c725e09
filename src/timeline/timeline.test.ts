import { describe, expect, it } from 'vitest';
import { bundleWorld, parseManifests, placeObjects } from '../world/manifests.ts';
import { kindOf, type KubeObject } from '../world/object.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import { replicaCounts } from './replicas.ts';
import type { Stage, Timeline } from './stage.ts';
import { throughAbort, timelineOf } from './timeline.ts';

const V1_9: RolloutsVersions = { min: [1, 9, 0], max: [1, 9, Infinity] };
const V1_10: RolloutsVersions = { min: [1, 10, 0], max: [1, 10, Infinity] };

interface Given {
  readonly replicas?: number;
  readonly abortAt?: number;
  readonly versions?: RolloutsVersions;
  /** Further objects, as YAML. */
  readonly also?: string;
}

function rolloutWith(strategy: string, also = ''): { readonly rollout: KubeObject; readonly objects: KubeObject[] } {
  const text = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  replicas: 10
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } } }
  strategy: ${strategy}
---
${also}`;
  const objects = placeObjects(parseManifests(text, 'a.yaml').objects, {}).sources.map(({ object }) => object);
  const rollout = objects.find((object) => kindOf(object) === 'Rollout.argoproj.io');
  if (rollout === undefined) throw new Error('no Rollout');
  return { rollout, objects };
}

function timeline(strategy: string, { replicas = 10, abortAt, versions, also }: Given = {}): Timeline {
  const { rollout, objects } = rolloutWith(strategy, also);
  const world = bundleWorld(objects, versions === undefined ? {} : { versions: () => versions });
  return timelineOf(rollout, world, { replicas, from: 'the test' }, abortAt);
}

/** Returns each stage as its pods, its weight, the most pods and the percentage of requests to the canary. */
function rows(stages: readonly Stage[]): string[] {
  return stages.map(
    ({ title, pods, weight, mostPods, traffic }) =>
      `${title}: ${pods.canary}/${pods.stable} w${weight ?? '-'} max ${mostPods} ${Math.round(traffic.canary * 100)}%`,
  );
}

function notes({ stages }: Timeline): string[] {
  return stages.flatMap((stage) => stage.notes.map(({ kind }) => `${stage.title}: ${kind}`));
}

const ROUTER = 'stableService: a, canaryService: b, trafficRouting: { smi: {} }';

describe('a canary with a router', () => {
  it('sets the weight when the canary has its pods, and keeps all stable pods', () => {
    expect(rows(timeline(`{ canary: { ${ROUTER}, steps: [{ setWeight: 25 }, { pause: {} }] } }`).stages)).toEqual([
      'before: 0/10 w0 max 10 0%',
      'setWeight 25: 3/10 w25 max 13 25%',
      'pause: 3/10 w25 max 13 25%',
      'promotion: 10/10 w100 max 20 100%',
      'old pods gone: 10/0 w0 max 10 100%',
    ]);
  });

  it('scales the stable pods down with dynamicStableScale, after the weight', () => {
    const { stages } = timeline(
      `{ canary: { ${ROUTER}, dynamicStableScale: true, steps: [{ setWeight: 50 }, { setWeight: 80 }] } }`,
    );
    expect(rows(stages)).toEqual([
      'before: 0/10 w0 max 10 0%',
      'setWeight 50: 5/5 w50 max 15 50%',
      'setWeight 80: 8/2 w80 max 13 80%',
      'promotion: 10/2 w100 max 12 100%',
      'old pods gone: 10/0 w0 max 10 100%',
    ]);
  });

  it('gives a weight to fewer pods than it needs if setCanaryScale says so, and says it', () => {
    const overloaded = timeline(
      `{ canary: { ${ROUTER}, steps: [{ setCanaryScale: { replicas: 1 } }, { setWeight: 50 }] } }`,
    );
    expect(rows(overloaded.stages)[2]).toBe('setWeight 50: 1/10 w50 max 11 50%');
    expect(notes(overloaded)).toEqual(['setWeight 50: overload']);
  });

  it('never gives a weight to a canary without pods', () => {
    const none = timeline(`{ canary: { ${ROUTER}, steps: [{ setCanaryScale: { replicas: 0 } }, { setWeight: 50 }] } }`);
    expect(rows(none.stages)[2]).toBe('setWeight 50: 0/10 w0 max 10 0%');
    expect(notes(none)).toEqual(['setWeight 50: share']);
  });

  it('counts weights of maxTrafficWeight', () => {
    const routing = 'trafficRouting: { maxTrafficWeight: 1000, smi: {} }';
    const { stages } = timeline(
      `{ canary: { stableService: a, canaryService: b, ${routing}, steps: [{ setWeight: 50 }] } }`,
    );
    expect(rows(stages)[1]).toBe('setWeight 50: 1/10 w50 max 11 5%');
  });

  it('sends nothing to the canary before its promotion if there are no steps', () => {
    expect(rows(timeline(`{ canary: { ${ROUTER} } }`).stages)).toEqual([
      'before: 0/10 w0 max 10 0%',
      'promotion: 10/10 w0 max 20 100%',
      'old pods gone: 10/0 w0 max 10 100%',
    ]);
  });

  it('has more pods than replicas with a higher minPodsPerReplicaSet only before Argo Rollouts 1.10', () => {
    const strategy = `{ canary: { ${ROUTER}, minPodsPerReplicaSet: 4, steps: [{ setWeight: 50 }] } }`;
    const canary = (versions: RolloutsVersions | undefined): number | undefined =>
      timeline(strategy, { replicas: 2, ...(versions === undefined ? {} : { versions }) }).stages[1]?.pods.canary;
    expect([canary(V1_9), canary(V1_10), canary(undefined)]).toEqual([4, 2, 2]);
    expect(timeline(strategy, { replicas: 2 }).notes).toEqual([expect.stringContaining('before Argo Rollouts 1.10')]);
  });
});

describe('a canary without a router', () => {
  it('moves requests by pods, in steps of one pod', () => {
    const { stages } = timeline('{ canary: { maxSurge: 1, maxUnavailable: 0, steps: [{ setWeight: 10 }] } }', {
      replicas: 3,
    });
    expect(rows(stages)).toEqual([
      'before: 0/3 w- max 3 0%',
      'setWeight 10: 1/3 w- max 4 25%',
      'promotion: 3/0 w- max 4 100%',
    ]);
  });

  it('has all or nothing with one replica, and says it', () => {
    const one = timeline(
      '{ canary: { maxSurge: 0, maxUnavailable: 1, steps: [{ setWeight: 10 }, { setWeight: 60 }] } }',
      {
        replicas: 1,
      },
    );
    expect(rows(one.stages).slice(1, 3)).toEqual(['setWeight 10: 0/1 w- max 1 0%', 'setWeight 60: 1/0 w- max 1 100%']);
    expect(notes(one)).toEqual(['setWeight 10: share', 'setWeight 60: share']);
  });

  it('sends nothing to the canary through the stable Service, which has no pods at the end', () => {
    const services =
      '{ canary: { stableService: a, canaryService: b, steps: [{ setWeight: 50 }, { setWeight: 100 }] } }';
    const served = timeline(services);
    expect(served.arrival).toBe('stable Service');
    expect(rows(served.stages).slice(1, 3)).toEqual([
      'setWeight 50: 5/5 w- max 13 0%',
      'setWeight 100: 10/0 w- max 13 0%',
    ]);
    expect(notes(served)).toEqual([
      'setWeight 50: overload',
      'setWeight 50: share',
      'setWeight 100: failing-requests',
      'setWeight 100: share',
    ]);
  });

  it('moves requests by pods through another Service that selects all pods', () => {
    const also = `apiVersion: v1
kind: Service
metadata: { name: all, namespace: shop }
spec: { selector: { app: web } }
`;
    const services = '{ canary: { stableService: a, canaryService: b, steps: [{ setWeight: 50 }] } }';
    expect(timeline(services, { also }).arrival).toBe('pods');
    expect(timeline(services, { also: also.replace('app: web', 'app: other') }).arrival).toBe('stable Service');
  });

  it('stops at a step whose pods never come', () => {
    const stuck = timeline(
      '{ canary: { replicaProgressThreshold: { type: Pods, value: 5 }, steps: [{ setWeight: 10 }, { pause: {} }] } }',
    );
    expect(rows(stuck.stages)).toHaveLength(2);
    expect(notes(stuck)).toContain('setWeight 10: stuck');
    expect(() =>
      timeline(
        '{ canary: { replicaProgressThreshold: { type: Pods, value: 5 }, steps: [{ setWeight: 10 }, { pause: {} }] } }',
        { abortAt: 2 },
      ),
    ).toThrow('step 2 is never reached: the update stops at step 1');
  });
});

describe('an abort', () => {
  it('takes the place of the steps after it in one timeline', () => {
    const update = timeline(
      '{ canary: { steps: [{ setWeight: 20 }, { pause: { duration: 1m } }, { setWeight: 90 }, { pause: {} }] } }',
      { abortAt: 2 },
    );
    const through = throughAbort(update);
    expect(rows(through.stages)).toEqual([...rows(update.stages.slice(0, 3)), ...rows(update.abort?.stages ?? [])]);
    expect(through.time).toEqual({ shortest: 60, longest: 60 });
    expect(throughAbort(through)).toBe(through);
  });

  it.each([
    [1, []],
    [2, [2]],
  ])('at step %i leaves out the analyses that start later', (abortAt, starts) => {
    const update = timeline(
      '{ canary: { analysis: { templates: [{ templateName: t }], startingStep: 1 }, steps: [{ setWeight: 20 }, { pause: {} }] } }',
      { abortAt },
    );
    expect(throughAbort(update).background.map(({ from }) => from)).toEqual(starts);
  });

  it('keeps the canary for abortScaleDownDelaySeconds, without requests', () => {
    const strategy = (delay: string): string => `{ canary: { ${ROUTER}, ${delay} steps: [{ setWeight: 50 }] } }`;
    const kept = timeline(strategy(''), { abortAt: 1 }).abort?.stages ?? [];
    expect(rows(kept)).toEqual(['abort: 5/10 w0 max 15 0%', 'canary gone: 0/10 w0 max 10 0%']);
    expect(kept[0]?.wait).toMatchObject({ by: 'scale-down', shortest: 30 });
    const longer = timeline(strategy('abortScaleDownDelaySeconds: 600,'), { abortAt: 1 }).abort?.stages[0];
    expect(longer?.wait).toMatchObject({ shortest: 600 });
  });

  it('goes back through the weights with dynamicStableScale, never with fewer pods than requests need', () => {
    const strategy = `{ canary: { ${ROUTER}, dynamicStableScale: true, steps: [{ setWeight: 20 }, { setWeight: 60 }] } }`;
    const [abort] = timeline(strategy, { abortAt: 2 }).abort?.stages ?? [];
    const states = abort?.states.map(({ pods, weights }) => `${pods.canary}/${pods.stable} w${weights?.canary}`);
    expect(states?.[0]).toBe('6/4 w60');
    expect(states).toContain('2/8 w20');
    expect(states?.at(-1)).toBe('0/10 w0');
    for (const { pods, weights } of abort?.states ?? [])
      expect(pods.stable).toBeGreaterThanOrEqual(((weights?.stable ?? 0) / 100) * 10 - 1e-9);
  });

  it('stops at a weight with dynamicStableScale, if the canary keeps its pods until all stable pods are back', () => {
    const strategy = (delay: string): string =>
      `{ canary: { ${ROUTER}, dynamicStableScale: true, ${delay} steps: [{ setWeight: 20 }, { setWeight: 60 }] } }`;
    const [abort, ...gone] = timeline(strategy('abortScaleDownDelaySeconds: 600,'), { abortAt: 2 }).abort?.stages ?? [];
    expect(rows(abort === undefined ? [] : [abort])).toEqual(['abort: 6/8 w20 max 14 20%']);
    expect(gone).toEqual([]);
    expect(abort?.wait).toBeUndefined();
    expect(abort?.notes.map(({ text }) => text)).toContain(
      'the abort stops here: the canary keeps 20 % of the requests and its pods, because abortScaleDownDelaySeconds waits for all 10 stable pods',
    );
    expect(rows(timeline(strategy('abortScaleDownDelaySeconds: 0,'), { abortAt: 2 }).abort?.stages ?? [])).toEqual([
      'abort: 0/10 w0 max 14 0%',
    ]);
  });

  it('sets the last weight when the canary has gone, with dynamicStableScale', () => {
    const strategy = `{ canary: { ${ROUTER}, dynamicStableScale: true, abortScaleDownDelaySeconds: 600, steps: [{ setWeight: 5 }, { setWeight: 50 }] } }`;
    const stages = timeline(strategy, { abortAt: 2 }).abort?.stages ?? [];
    expect(rows(stages)).toEqual(['abort: 5/10 w5 max 15 5%', 'canary gone: 0/10 w0 max 10 0%']);
  });

  it('replaces the pods again without a router', () => {
    const strategy = '{ canary: { maxSurge: 2, maxUnavailable: 0, steps: [{ setWeight: 50 }] } }';
    expect(rows(timeline(strategy, { abortAt: 1 }).abort?.stages ?? [])).toEqual(['abort: 0/10 w- max 12 0%']);
  });

  it('needs a step that exists', () => {
    const strategy = '{ canary: { steps: [{ pause: {} }] } }';
    expect(() => timeline(strategy, { abortAt: 2 })).toThrow('there is no step 2: use 1');
    expect(() => timeline('{ canary: {} }', { abortAt: 1 })).toThrow('there is no step 1: the Rollout has no steps');
    expect(() => timeline('{}')).toThrow('the Rollout has no strategy');
  });
});

const ANALYSIS = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: errors, namespace: shop }
spec:
  args: [{ name: count, value: '5' }]
  metrics:
    - { name: rate, initialDelay: 30s, interval: 1m, count: '{{args.count}}', failureLimit: 1, provider: { job: {} } }
`;
const USES = 'templates: [{ templateName: errors }]';

describe('the waits', () => {
  it('are those of pauses, analyses and people', () => {
    const steps = `[{ pause: { duration: 90 } }, { pause: { duration: 1h30m } }, { analysis: { ${USES} } }, { pause: {} }]`;
    const timed = timeline(`{ canary: { ${ROUTER}, steps: ${steps} } }`, { also: ANALYSIS });
    expect(timed.stages.map(({ wait }) => wait?.text)).toEqual([
      undefined,
      '1m30s',
      '1h30m',
      '4m30s to 7m50s; can fail after 1m10s',
      'until a person promotes',
      'the old pods stay 30s',
      undefined,
    ]);
    expect(timed.time).toEqual({ shortest: 90 + 5400 + 270, longest: undefined });
  });

  it('take the arguments of the Rollout', () => {
    const steps = `[{ analysis: { ${USES}, args: [{ name: count, value: '2' }] } }]`;
    const [, step] = timeline(`{ canary: { ${ROUTER}, steps: ${steps} } }`, { also: ANALYSIS }).stages;
    expect(step?.wait).toMatchObject({ by: 'analysis', shortest: 90, longest: 90 + 80 });
  });

  it('are those of a metric in a dry run too, which never fails the analysis', () => {
    const waits = (more: string, template = ANALYSIS): (string | undefined)[] =>
      timeline(`{ canary: { ${ROUTER}, steps: [{ analysis: { ${USES}${more} } }] } }`, { also: template })
        .stages.slice(1, 2)
        .map(({ wait }) => wait?.text);
    expect(waits(', dryRun: [{ metricName: other }]')).toEqual(['4m30s to 7m50s; can fail after 1m10s']);
    expect(waits(', dryRun: [{ metricName: .* }]')).toEqual(['4m30s to 7m50s']);
    expect(waits('', `${ANALYSIS}  dryRun: [{ metricName: rate }]\n`)).toEqual(['4m30s to 7m50s']);
  });

  it('are not known if a template is missing', () => {
    const [, step] = timeline(`{ canary: { ${ROUTER}, steps: [{ analysis: { ${USES} } }] } }`).stages;
    expect(step?.wait).toMatchObject({ shortest: undefined, text: 'not known: errors is not in the manifests' });
  });

  it('of a background analysis are not part of any step', () => {
    const strategy = `{ canary: { ${ROUTER}, analysis: { ${USES}, startingStep: 1 }, steps: [{ setWeight: 5 }, { setWeight: 10 }] } }`;
    const timed = timeline(strategy, { also: ANALYSIS.replace("count: '{{args.count}}', ", '') });
    expect(timed.background).toEqual([
      expect.objectContaining({
        templates: ['errors'],
        from: 2,
        text: 'until the update is over; can fail after 1m10s',
      }),
    ]);
    expect(timed.time).toEqual({ shortest: 0, longest: 0 });
  });
});

describe('an experiment', () => {
  const TEMPLATES =
    'templates: [{ name: a, specRef: stable, replicas: 2, weight: 5 }, { name: b, specRef: canary, weight: 15 }]';
  const steps = (fields = ''): string =>
    `[{ setWeight: 20 }, { experiment: { duration: 1h, ${TEMPLATES}${fields} } }, { setWeight: 30 }, { pause: { duration: 1m } }, { setWeight: 40 }]`;
  const withPlugin = (routes: string): Timeline =>
    timeline(
      `{ canary: { stableService: a, canaryService: b, trafficRouting: { plugins: { argoproj-labs/gatewayAPI: { ${routes} } } }, steps: ${steps()} } }`,
    );

  it('runs pods in addition, with weights of their own at the cost of the stable pods', () => {
    const stage = timeline(`{ canary: { ${ROUTER}, steps: ${steps()} } }`).stages[2];
    expect(stage).toMatchObject({
      pods: { canary: 2, stable: 10, experiment: 3 },
      mostPods: 15,
      traffic: { canary: 0.2, stable: 0.6, experiment: 0.2 },
      wait: { by: 'experiment', shortest: 3600 },
    });
    expect(stage?.experiment).toEqual([
      { name: 'a', pods: 2, weight: 5, traffic: 0.05 },
      { name: 'b', pods: 1, weight: 15, traffic: expect.closeTo(0.15) as number },
    ]);
    expect(stage?.notes.map(({ text }) => text)).toContain(
      'the experiment runs 2 pods of a with 5 %, 1 pod of b with 15 % of the requests',
    );
  });

  it('is in addition to the canary for the Gateway API plugin, and nothing for it in other routes', () => {
    const traffic = (routes: string): unknown => withPlugin(routes).stages[2]?.traffic;
    expect(traffic('httpRoute: web')).toEqual({ canary: 20 / 120, stable: 80 / 120, experiment: 20 / 120 });
    expect(traffic('grpcRoute: web')).toEqual({ canary: 0.2, stable: 0.8, experiment: 0 });
  });

  it.each([
    ['as long as a step waits', '', [15, 16, 16, 14]],
    ['not without a delay', ', scaleDownDelaySeconds: 0', [15, 13, 13, 14]],
    ['through more steps', ', scaleDownDelaySeconds: 90', [15, 16, 16, 17]],
  ])('keeps its pods for a while after its end: %s', (_, fields, most) => {
    const { stages } = timeline(`{ canary: { ${ROUTER}, steps: ${steps(fields)} } }`);
    expect(stages.slice(2, 6).map(({ mostPods }) => mostPods)).toEqual(most);
  });

  it('gets the part of its pods where a Service selects all', () => {
    const [, , stage] = timeline(`{ canary: { steps: ${steps().replaceAll(/, weight: \d+/g, '')} } }`).stages;
    expect(stage?.experiment.map(({ name, traffic }) => [name, traffic])).toEqual([
      ['a', expect.closeTo(2 / 13)],
      ['b', expect.closeTo(1 / 13)],
    ]);
  });
});

describe('a blue-green update', () => {
  const FIELDS = `activeService: a, previewService: b, autoPromotionEnabled: false, postPromotionAnalysis: { ${USES} }`;

  it('starts a preview, waits for a person, scales up, switches and removes the old pods', () => {
    const update = timeline(`{ blueGreen: { ${FIELDS}, previewReplicaCount: 1 } }`, { also: ANALYSIS, abortAt: 2 });
    expect(rows(update.stages)).toEqual([
      'before: 0/10 w- max 10 0%',
      'preview: 1/10 w- max 11 0%',
      'pause: 1/10 w- max 11 0%',
      'scale up: 10/10 w- max 20 0%',
      'switch: 10/10 w- max 20 100%',
      'post-promotion analysis: 10/10 w- max 20 100%',
      'promotion: 10/10 w- max 20 100%',
      'old pods gone: 10/0 w- max 10 100%',
    ]);
    expect(update.stages[2]?.wait?.by).toBe('person');
    expect(rows(update.abort?.stages ?? [])).toEqual(['abort: 1/10 w- max 11 0%', 'new pods gone: 0/10 w- max 10 0%']);
  });

  it('is over at the switch, unless an analysis follows', () => {
    const at = (fields: string): Timeline =>
      timeline(`{ blueGreen: { activeService: a, ${fields} } }`, { also: ANALYSIS, abortAt: 2 });
    expect(() => at('')).toThrow('nothing is left to abort at step 2');
    expect(rows(at(`postPromotionAnalysis: { ${USES} }`).abort?.stages ?? [])[0]).toBe('abort: 10/10 w- max 20 0%');
  });

  it('goes on by itself after autoPromotionSeconds, but only with auto-promotion', () => {
    const pause = (fields: string): unknown =>
      timeline(`{ blueGreen: { activeService: a, ${fields} } }`).stages.find(({ title }) => title === 'pause')?.wait
        ?.by;
    expect(pause('autoPromotionSeconds: 60')).toBe('time');
    expect(pause('autoPromotionSeconds: 60, autoPromotionEnabled: false')).toBe('person');
    expect(pause('autoPromotionEnabled: true')).toBeUndefined();
  });
});

describe('the number of pods', () => {
  it.each([
    ['HorizontalPodAutoscaler', 'autoscaling/v2', '{ maxReplicas: 6', [1, 6]],
    ['HorizontalPodAutoscaler', 'autoscaling/v2', '{ minReplicas: 6, maxReplicas: 6', [6]],
    ['ScaledObject', 'keda.sh/v1alpha1', '{ minReplicaCount: 2', [2, 100]],
  ])('comes from a %s', (kind, apiVersion, start, expected) => {
    const scaler = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: s, namespace: shop }\nspec: ${start}, scaleTargetRef: { apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web } }\n`;
    const { rollout, objects } = rolloutWith('{ canary: {} }', scaler);
    expect(replicaCounts(rollout, bundleWorld(objects)).map(({ replicas }) => replicas)).toEqual(expected);
    expect(replicaCounts(rollout, bundleWorld([rollout]))).toEqual([{ replicas: 10, from: 'spec.replicas' }]);
  });

  it('that would take too many reconciliations is refused', () => {
    expect(() => timeline('{ canary: { maxSurge: 1, maxUnavailable: 0 } }', { replicas: 1_000_000 })).toThrow(
      'more than 100000 reconciliations',
    );
  });
});
