import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Judge } from '../../src/dashboard/judge.ts';
import type { Answer, Question } from '../../src/dashboard/messages.ts';
import { EditedDocuments } from '../../src/world/edited-documents.ts';
import { yamlDocuments } from '../../src/world/yaml-documents.ts';
import { OF_A_THOUSAND, PING_PONG } from './routed.ts';

const EXAMPLES = join(import.meta.dirname, '../../dashboard/examples');

function example(name: string): string {
  return readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8');
}

function answerTo(question: Partial<Question>): Answer {
  return new Judge().answer({ manifests: '', policy: '', ...question });
}

function edges({ graph }: Answer): string[] {
  return (graph?.edges ?? []).map(({ from, to, side, level }) =>
    [nameOf(from), '->', nameOf(to), side, level].filter((part) => part !== undefined).join(' '),
  );
}

function nameOf(id: string): string {
  return id.replace(/^(\w+)[^/]*\/(?:[^/]*\/)?/, '$1/');
}

describe('the graph', () => {
  it('takes ping for the stable Service, as the first deployment does and a re-apply keeps', () => {
    const answer = answerTo({ manifests: PING_PONG, stage: 1 });
    expect(edges(answer)).toEqual(
      expect.arrayContaining([
        'VirtualService/web -> Service/ping stable',
        'VirtualService/web -> Service/pong canary',
      ]),
    );
    const route = answer.reapplied?.objects.find(({ kind }) => kind === 'VirtualService');
    expect(route?.stored).toMatch(/host: ping\s+weight: 80\s+- destination:\s+host: pong\s+weight: 20/);
  });

  it('has the path of requests, with the edge red that a finding is about', () => {
    const answer = answerTo({ manifests: example('canary-port') });
    expect(edges(answer)).toEqual([
      'Rollout/checkout -> pods/stable',
      'Rollout/checkout -> pods/canary',
      'Service/checkout-stable -> pods/stable stable',
      'Service/checkout-canary -> pods/canary canary',
      'entry/public -> HTTPRoute/checkout',
      'HTTPRoute/checkout -> Service/checkout-stable stable',
      'HTTPRoute/checkout -> Service/checkout-canary canary deny',
      'Rollout/checkout -> AnalysisTemplate/checkout-errors',
    ]);
    const [red] = answer.graph?.edges.filter(({ level }) => level === 'deny') ?? [];
    expect(red?.findings.map((index) => answer.findings[index]?.rule)).toEqual(['route-port-exists']);
  });

  it('loses the red when the mistake is fixed', () => {
    const answer = answerTo({ manifests: example('canary-port').replace('port: 8080\n', 'port: 80\n') });
    expect(answer.findings).toEqual([]);
    expect([...(answer.graph?.edges ?? []), ...(answer.graph?.nodes ?? [])].filter(({ level }) => level)).toEqual([]);
  });

  it('has the subsets of a DestinationRule between the route and the pods', () => {
    expect(edges(answerTo({ manifests: example('subset-labels') }))).toEqual(
      expect.arrayContaining([
        'VirtualService/ratings -> subset/stable stable',
        'VirtualService/ratings -> subset/canary canary',
        'subset/stable -> pods/stable stable deny',
        'subset/canary -> pods/canary canary deny',
      ]),
    );
  });

  it('marks what is referred to and not there', () => {
    const [rollout = ''] = example('canary-port').split('---');
    const { graph } = answerTo({ manifests: rollout });
    const missing = graph?.nodes.flatMap(({ isMissing, id, level }) => (isMissing ? [`${nameOf(id)} ${level}`] : []));
    expect(missing?.sort()).toEqual([
      'AnalysisTemplate/checkout-errors undefined',
      'HTTPRoute/checkout warn',
      'Service/checkout-canary undefined',
      'Service/checkout-stable undefined',
    ]);
    expect(edges(answerTo({ manifests: rollout }))).toContain('Service/checkout-canary -> pods/canary canary warn');
  });

  it('shows how an Ingress sends to the canary Service, which no manifest says', () => {
    expect(edges(answerTo({ manifests: example('analysis-argument') }))).toEqual(
      expect.arrayContaining([
        'Ingress/catalog -> Service/catalog stable',
        'Ingress/catalog -> Service/catalog-canary canary',
        'Rollout/catalog -> AnalysisTemplate/latency deny',
      ]),
    );
  });

  it.each([
    ['without a router', 'no-router', ['requests -> Service/mailer', 'Service/mailer-canary -> pods/canary canary']],
    [
      'of blue-green',
      'blue-green',
      [
        'requests -> Service/search',
        'Service/search -> pods/stable stable',
        'Service/search -> pods/canary canary',
        'Service/search-preview -> pods/canary deny',
        'Rollout/search -> HorizontalPodAutoscaler/search',
      ],
    ],
  ])('%s begins at the Services', (_, name, expected) => {
    expect(edges(answerTo({ manifests: example(name) }))).toEqual(expect.arrayContaining(expected));
  });

  it('is cut off where it is too large to be seen, with what is wrong in it', () => {
    const names = (prefix: string): string[] => Array.from({ length: 40 }, (_, index) => `${prefix}${index}`);
    const route = (name: string): string =>
      [
        'apiVersion: networking.istio.io/v1\nkind: VirtualService',
        `metadata: { name: ${name}, namespace: shop }`,
        'spec:\n  hosts: [a.example]\n  http:\n    - name: primary\n      route:',
        '        - destination: { host: stable }\n        - destination: { host: canary, port: { number: 81 } }',
        ...names('other').map((host) => `        - destination: { host: ${host} }`),
      ].join('\n');
    const rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: web }] } }
  strategy:
    canary:
      stableService: stable
      canaryService: canary
      trafficRouting:
        istio: { virtualServices: [${names('route')
          .map((name) => `{ name: ${name}, routes: [primary] }`)
          .join(', ')}] }
`;
    const services = ['stable', 'canary'].map(
      (name) =>
        `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }`,
    );
    const { graph } = answerTo({ manifests: [rollout, ...services, ...names('route').map(route)].join('\n---\n') });
    expect(graph?.nodes).toHaveLength(86);
    expect(graph?.edges).toHaveLength(600);
    expect(graph?.more).toBeGreaterThan(1_000);
    const red = graph?.edges.filter(({ to, level }) => to.endsWith('/canary') && level === 'deny') ?? [];
    expect(red).toHaveLength(40);
  });

  it('of a plain canary has the Service that selects all pods', () => {
    const manifests = readFileSync(join(EXAMPLES, '../../examples/plain-canary/as-written/manifests.yaml'), 'utf8');
    expect(edges(answerTo({ manifests }))).toEqual(
      expect.arrayContaining(['requests -> Service/app07', 'Service/app07 -> pods/canary canary']),
    );
  });
});

describe('the findings', () => {
  it('have their places in the text', () => {
    const manifests = example('canary-port');
    const [finding] = answerTo({ manifests }).findings.filter(({ rule }) => rule === 'route-port-exists');
    expect(manifests.split('\n')[(finding?.line ?? 0) - 1]).toBe('          port: 80');
    expect(finding).toMatchObject({ decision: 'deny', column: 11 });
  });

  it('say what an edited policy changes', () => {
    const manifests = example('canary-port');
    const warned = answerTo({ manifests, policy: 'rules: { route-port-exists: warn, service-ports-agree: off }' });
    expect(warned.findings.map(({ rule, decision, builtIn }) => ({ rule, decision, builtIn }))).toEqual([
      { rule: 'route-port-exists', decision: 'warn', builtIn: 'deny' },
    ]);
    expect(warned.verdict).toBe('allow');
    expect(warned.policy).toMatchObject({ verdict: 'deny', changed: 1, errors: [] });
    expect(warned.policy.dropped.map(({ rule }) => rule)).toEqual(['service-ports-agree']);
  });

  it('are counted, also those that are not listed', () => {
    const fields = Array.from({ length: 50 }, (_, index) => `  field${index}: 1`).join('\n');
    const manifests = `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n${fields}\n`;
    const { counts, findings, more } = answerTo({ manifests });
    expect({ counts, listed: findings.length, more }).toEqual({
      counts: { deny: 0, warn: 50, errors: 0 },
      listed: 20,
      more: 30,
    });
    const { policy } = answerTo({ manifests, policy: 'rules: { unknown-field: off }' });
    expect({ listed: policy.dropped.length, more: policy.moreDropped }).toEqual({ listed: 20, more: 30 });
  });

  it('are those of the built-in policy if the edited one is invalid', () => {
    const { policy, findings } = answerTo({ manifests: example('canary-port'), policy: 'mod: audit' });
    expect(policy.errors).toEqual(['unknown key "mod"; did you mean "mode"?']);
    expect(findings.filter(({ decision }) => decision === 'deny')).toHaveLength(2);
  });

  it('include texts that are no manifests', () => {
    expect(answerTo({ manifests: '['.repeat(90_000) }).errors.map(({ message }) => message)).toEqual([
      'nested more than 200 levels deep',
    ]);
    expect(answerTo({ manifests: 'a: [' }).errors).toEqual([expect.objectContaining({ line: 1 })]);
    expect(answerTo({})).toMatchObject({ verdict: 'allow', objects: 0, rollouts: [] });
  });
});

describe('the timeline', () => {
  it('is that of the chosen Rollout and count', () => {
    const manifests = `${example('canary-port')}\n---\n${example('no-router')}`;
    expect(answerTo({ manifests })).toMatchObject({
      rollouts: ['shop/checkout', 'office/mailer'],
      rollout: 'shop/checkout',
      timeline: { replicas: 10 },
    });
    const { timeline, rollout } = answerTo({ manifests, rollout: 'office/mailer', replicas: 5 });
    expect({ rollout, replicas: timeline?.replicas, counts: timeline?.counts }).toEqual({
      rollout: 'office/mailer',
      replicas: 5,
      counts: [],
    });
    expect(timeline?.stages.map(({ row }) => row.title)).toEqual([
      'before',
      'setWeight 10',
      'pause 15m',
      'setWeight 60',
      'pause',
      'promotion',
    ]);
  });

  it('has the bounds of the autoscaler to choose from', () => {
    const { timeline } = answerTo({ manifests: example('blue-green') });
    expect(timeline?.counts.map(({ replicas }) => replicas)).toEqual([2, 8]);
    expect(timeline?.replicas).toBe(8);
  });

  it('says why there is none', () => {
    const { timelineProblem } = answerTo({
      manifests: 'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: a }\nspec: {}',
    });
    expect(timelineProblem).toBe('the Rollout has no strategy: set canary or blueGreen');
  });
});

describe('a re-apply', () => {
  it('keeps the weights of the stage and the hashes', () => {
    const { reapplied } = answerTo({ manifests: example('canary-port'), stage: 4 });
    expect(reapplied?.objects.map(({ kind, name, kept }) => ({ object: `${kind} ${name}`, kept }))).toEqual([
      { object: 'HTTPRoute checkout', kept: ['weights stable 50, canary 50'] },
      {
        object: 'Service checkout-stable',
        kept: ['hash 6d4f8b9c75 in the selector (stable), the managed-by annotation'],
      },
      {
        object: 'Service checkout-canary',
        kept: ['hash 8c5d7f6b94 in the selector (canary), the managed-by annotation'],
      },
    ]);
    const [route] = reapplied?.objects ?? [];
    expect(route?.applied).not.toContain('weight:');
    expect(route?.stored.match(/weight: \d+/g)).toEqual(['weight: 50', 'weight: 50']);
  });

  it('keeps weights of which the whole is another number', () => {
    const { reapplied } = answerTo({ manifests: OF_A_THOUSAND, stage: 1 });
    expect(reapplied?.objects.find(({ kind }) => kind === 'HTTPRoute')?.kept).toEqual([
      'weights stable 980, canary 20',
    ]);
  });

  it('finds the new hash in the canary Service without a router too, as the controller writes it', () => {
    const { reapplied } = answerTo({ manifests: example('no-router'), stage: 1 });
    expect(reapplied?.objects.map(({ name, kept }) => ({ name, kept }))).toEqual([
      { name: 'mailer', kept: ['hash 6d4f8b9c75 in the selector (stable), the managed-by annotation'] },
      { name: 'mailer-canary', kept: ['hash 8c5d7f6b94 in the selector (canary), the managed-by annotation'] },
    ]);
  });

  it('is shown without keeps too if the policy turns them off', () => {
    const { reapplied } = answerTo({ manifests: example('canary-port'), policy: 'keeps: { route-weights: off }' });
    const [route] = reapplied?.objects ?? [];
    expect(route).toMatchObject({ kind: 'HTTPRoute', kept: [] });
    expect(route?.stored).toBe(route?.applied);
  });

  it.each([0, 6, 7, 99])('is not at stage %i, where no update is in progress', (stage) => {
    expect(answerTo({ manifests: example('canary-port'), stage }).reapplied).toBeUndefined();
  });
});

describe('an abort', () => {
  const rows = ({ timeline }: Answer): string[] =>
    (timeline?.stages ?? []).map(
      ({ row: { step, title, traffic, canary }, isAborted }) =>
        `${step} ${title}: ${traffic}, ${canary} canary${isAborted === true ? ', aborted' : ''}`,
    );

  it('takes the place of the steps after it', () => {
    const manifests = example('canary-port');
    const whole = rows(answerTo({ manifests }));
    const answer = answerTo({ manifests, abortAt: 4, stage: 5 });
    expect(rows(answer)).toEqual([
      ...whole.slice(0, 5),
      ' abort: 0 %, 5 canary, aborted',
      ' canary gone: 0 %, 0 canary, aborted',
    ]);
    expect(answer.timeline?.summary.at(-1)).toBe('It is aborted at the end of step 4.');
    expect(answer.timeline?.summary.join(' ')).not.toContain('A person must promote');
    // The weights are those of the manifests again.
    expect(answer.reapplied).toBeUndefined();
    expect(answerTo({ manifests, abortAt: 4, stage: 4 }).reapplied?.objects.length).toBeGreaterThan(0);
  });

  it('ends an update that would never end', () => {
    const manifests = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  replicas: 10
  strategy:
    canary:
      replicaProgressThreshold: { type: Pod, value: 20 }
      steps: [{ pause: {} }, { setWeight: 30 }, { pause: {} }]
`;
    const summary = (abortAt?: number): readonly string[] | undefined =>
      answerTo({ manifests, ...(abortAt === undefined ? {} : { abortAt }) }).timeline?.summary;
    expect(summary()).toContain('The update never ends.');
    expect(summary(2)).toContain('It is aborted at the end of step 2.');
    expect(summary(2)).not.toContain('The update never ends.');
  });

  it('of blue-green leaves the old pods active', () => {
    const all = rows(answerTo({ manifests: example('blue-green'), abortAt: 1 }));
    expect(all.filter((row) => row.endsWith('aborted'))).toEqual([
      expect.stringMatching(/^ abort: 0 %/),
      ' new pods gone: 0 %, 0 canary, aborted',
    ]);
  });

  it.each([0, 99])('at step %i, which is not there, leaves the update as it is and says so', (abortAt) => {
    const manifests = example('canary-port');
    const answer = answerTo({ manifests, abortAt });
    expect(answer.timeline?.abortProblem).toBe(`there is no step ${abortAt}: use 1 to 5`);
    expect(rows(answer)).toEqual(rows(answerTo({ manifests })));
  });
});

describe('an edit', () => {
  const FILES = globSync('*.yaml', { cwd: EXAMPLES }).map((file) => basename(file, '.yaml'));
  // Each in a namespace of its own, as in a repository.
  const all = FILES.map((name) => example(name).replace(/^  namespace: .*$/gm, `  namespace: ${name}`)).join('---\n');

  it('of one document has only this one parsed', () => {
    const parsed: string[] = [];
    const judge = new Judge(
      new EditedDocuments((text) => {
        parsed.push(text);
        return yamlDocuments(text);
      }),
    );
    judge.answer({ manifests: all, policy: '' });
    expect(parsed.splice(0).length).toBeGreaterThan(20);
    judge.answer({ manifests: all.replace('port: 8080\n', 'port: 80\n'), policy: '' });
    expect(parsed.map((text) => /^  name: (.*)/m.exec(text)?.[1])).toEqual(['checkout-canary']);
    judge.answer({ manifests: all.replace('port: 8080\n', 'port: 80\n'), policy: '', stage: 2 });
    expect(parsed).toHaveLength(1);
  });

  it('is answered as if nothing had been asked before', () => {
    const judge = new Judge();
    const lines = all.split('\n');
    for (let line = 0; line < lines.length; line += 29) {
      const manifests = lines.toSpliced(line, 1 + (line % 3)).join('\n');
      const question = { manifests, policy: line % 2 === 0 ? '' : 'mode: audit', stage: line % 5 };
      expect(judge.answer(question)).toEqual(answerTo(question));
    }
  });
});

describe('every example', () => {
  it.each(globSync('*.yaml', { cwd: EXAMPLES }).map((file) => basename(file, '.yaml')))(
    '%s has one mistake to find, a graph and a timeline',
    (name) => {
      const answer = answerTo({ manifests: example(name) });
      expect(answer.errors).toEqual([]);
      expect(answer.findings.length).toBeGreaterThan(0);
      expect(answer.graph?.edges.length).toBeGreaterThan(4);
      expect(answer.timeline?.stages.length).toBeGreaterThan(4);
      expect(answer.reapplied?.objects.length).toBeGreaterThan(0);
    },
  );
});
