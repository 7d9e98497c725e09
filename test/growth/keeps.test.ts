import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { expectLinear } from './linear.ts';
import { driversOf, preserveAll, type PreserveTask } from '../../src/admission/preserve.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { finish } from '../../src/rules/engine.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { albIngress } from './keep-setups/alb-ingresses.ts';
import { inCanary, type Applied } from './keep-setups/applied.ts';
import { rule } from './keep-setups/http-routes.ts';
import { KEEP_SETUPS } from './keep-setups/index.ts';
import { route } from './keep-setups/virtual-services.ts';
import { istio, times, virtualService, type Json } from './objects.ts';

function taskFor({ submitted, old, rollouts, manager, others = [] }: Applied): PreserveTask {
  const after = storeOf([submitted, ...others, ...rollouts]);
  const kind = kindOf(submitted);
  const keeps = PRESERVERS.filter(({ kinds }) => kind !== undefined && kinds.includes(kind));
  return { object: submitted, old, drivers: driversOf(after, submitted, DEFAULT_POLICY), keeps, after, manager };
}

describe.each(KEEP_SETUPS)('the cost of what is kept for $title', ({ make }) => {
  it('grows no faster than they do', () => {
    expectLinear({
      keeps: (n) => {
        const task = taskFor(make(n));
        return () => void finish(preserveAll(task));
      },
    });
  });
});

describe('what is kept for many Rollouts', () => {
  const keptFor = (title: string, n: number): ReturnType<typeof keep> => {
    const applied = KEEP_SETUPS.find((each) => each.title === title);
    if (applied === undefined) throw new Error(`no such case: ${title}`);
    return keep(applied.make(n));
  };
  const keep = (applied: Applied): { readonly patched: KubeObject; readonly notes: readonly string[] } =>
    finish(preserveAll(taskFor(applied)));
  const rulesOf = (object: KubeObject): unknown => (object['spec'] as Json)['rules'];

  it('is everything where they share their Services', () => {
    const { patched, notes } = keptFor(
      'Rollouts of two Services, which lose the weights of all rules of an HTTPRoute',
      30,
    );
    expect(rulesOf(patched)).toEqual(times(30, () => rule('app', 20)));
    expect(notes).toHaveLength(1);
  });

  it.each([
    ['Rollouts, each of which loses the weights of its own rule of an ApisixRoute', 60],
    ['routes of a VirtualRouter', 60],
    ['entries of a TraefikService', 2],
    ['Rollouts of one TraefikService', 2],
  ])('is everything for: %s', (title, operations) => {
    const applied = KEEP_SETUPS.find((each) => each.title === title);
    expect(applied && finish(preserveAll(taskFor(applied.make(30)))).operations).toHaveLength(operations);
  });

  it('is everything in an ALB Ingress that they share', () => {
    const { patched, notes } = keptFor('Rollouts, each of which loses its own header route of an ALB Ingress', 30);
    const { old } = albIngress(30, { lost: true, headers: true });
    const annotationsOf = ({ metadata }: KubeObject): Json => {
      const { 'rollouts.argoproj.io/managed-alb-annotations': list, ...others } = metadata['annotations'] as Json;
      return { ...others, list: JSON.parse(String(list)) as Json };
    };
    expect(annotationsOf(patched)).toEqual({ ...annotationsOf(old), team: 'a' });
    const pathsOf = (ingress: KubeObject): Set<Json> =>
      new Set((rulesOf(ingress) as { http: { paths: Json[] } }[]).flatMap(({ http }) => http.paths));
    expect(pathsOf(patched)).toEqual(pathsOf(old));
    expect(notes).toHaveLength(30);
  });

  it('says for how many nothing is kept, because each changes what others have', () => {
    const title = 'Rollouts, each of which loses the order of managed routes that another one has too';
    const leftOut = (n: number): readonly string[] =>
      keptFor(title, n).notes.filter((note) => note.includes('nothing'));
    expect(leftOut(20)).toEqual([]);
    expect(leftOut(30)).toEqual([
      'VirtualService "vs": nothing is kept for 8 Rollouts that share managed routes or weights with others: give each Rollout its own routes and Services',
    ]);
  });

  it('lets others have their turn before each, and before and after all of it', () => {
    const task = taskFor({
      submitted: virtualService('vs', { http: times(10, (i) => route(`r-${i}`, 0, `app-${i}`)) }),
      old: virtualService('vs', { http: times(10, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
      rollouts: times(10, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
    });
    const work = preserveAll(task);
    let turns = 0;
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) {
        expect(step.value.operations).toHaveLength(20);
        break;
      }
      turns++;
    }
    expect(turns).toBe(1 + 10 * task.keeps.length + 2);
  });
});
