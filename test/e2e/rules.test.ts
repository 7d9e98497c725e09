import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Example, Rule } from '../../src/rules/define.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { versionsMatching } from '../../src/world/rollouts-versions.ts';
import { isDocumented } from '../control-plane/versions.ts';
import { partOf } from './docs.ts';
import { apart, asWritten, fixturesOf } from './fixtures/bundles.ts';
import { completed } from './fixtures/complete.ts';
import { controllerVersions } from './harness/argo-rollouts.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf, type Printed } from './harness/kubectl.ts';
import { applyAtDoor, deleteReferenced, editAndDelete, type Arrival } from './rules/apply.ts';
import { bareRollout, expectedReaction, DOORS, isInvalidAlone, pairOf, type Door, type Pair } from './rules/doors.ts';
import { messagesPage, type Shown } from './rules/messages.ts';
import { reactionIn, UNJUDGED } from './rules/people.ts';

// The cluster lacks KEDA, Ambassador, App Mesh, Traefik and the like, so nothing is known about them. A GRPCRoute that names no
// port is rejected by its CRD.
const NOT_HERE = new Set([
  'autoscaler-target/bad-keda-default.yaml: referrer last',
  'autoscaler-target/bad-keda-default.yaml: referenced last',
  'route-port-exists/bad-other-gateway-routes.yaml: referrer last',
  'route-port-exists/bad-other-gateway-routes.yaml: referenced last',
  'appmesh-routes/bad-no-router.yaml: referrer last',
  'appmesh-routes/bad-no-router.yaml: referenced last',
  'appmesh-routes/bad-router-absent.yaml: referrer last',
  'reference-exists/bad-other-routers.yaml: referrer last',
  ...['apisix', 'traefik'].flatMap((router) =>
    ['referrer', 'referenced'].map((last) => `route-port-exists/bad-${router}-port.yaml: ${last} last`),
  ),
  ...(versionsMatching(controllerVersions(), { before: 'datadogRequestTimeout' }) === 'all'
    ? ['analysis-placeholders/bad-request-timeout.yaml: referenced last']
    : []),
]);

// In namespaces with this name, a referenced object may not become invalid even if no update is in progress.
const STRICT = [
  'policy.overrides[0].name=strict',
  'policy.overrides[0].namespaces[0]=*-strict*',
  'policy.overrides[0].crossObjectUpdates=deny',
];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: [UNJUDGED, ...STRICT], argoRollouts: { plugins: {} } });
  // Without the controller, Rollouts stay as a test leaves them, and verdicts do not depend on its timing.
  await cluster.argo.program.stop();
});
afterAll(() => cluster?.stop());

// The output at the other doors differs only in the name of an object.
const SHOWN: readonly Door[] = [
  'referrer last',
  'referenced last',
  'referenced changed, nothing under way',
  'referenced changed, update under way',
];

const shown = new Map<string, Shown[]>();

interface SetUp {
  readonly rule: Rule;
  readonly file: string;
  readonly which: Example | undefined;
  /** Whether it represents its rule in tests that need one example of each rule. */
  readonly isExample: boolean;
  readonly doors: readonly Door[];
  readonly at: (word: string) => { pair: Pair; word: string };
}

const SET_UPS = RULES.filter((rule) => !rule.lintOnly).flatMap((rule, number) =>
  fixturesOf(rule.id)
    .filter(({ file }) => file.startsWith('bad-'))
    .flatMap(({ file, objects }, index): SetUp[] => {
      const which = rule.example?.fixture === file ? rule.example : undefined;
      const complete = completed(objects, rule);
      const pair = pairOf(complete, rule, which?.referenced);
      if (pair === undefined) return [];
      const at = (door: string): { pair: Pair; word: string } => {
        const word = `${door}n${number}x${index}`;
        const own = pairOf(
          apart(complete, word),
          rule,
          which === undefined ? undefined : namedApart(pair, apart(complete, word)),
        );
        if (own === undefined) throw new Error(`${rule.id}/${file}: nothing is found once it is set apart`);
        return { pair: own, word };
      };
      const isExample = which !== undefined || (rule.example === undefined && index === 0);
      return [{ rule, file, which, isExample, at, doors: doorsOf(pair, rule, which, isExample) }];
    }),
);

function doorsOf(pair: Pair, rule: Rule, which: Example | undefined, isExample: boolean): Door[] {
  const isRollout = pair.referrer.kind === 'Rollout';
  const doors: Door[] = ['referrer last'];
  if (isExample && bareRollout(pair, rule) !== undefined)
    doors.push('referrer changed, nothing under way', 'referrer changed, update under way');
  if (pair.referenced === undefined) return doors;
  doors.push('referenced last');
  if (isExample && isRollout && !isInvalidAlone(pair, rule)) doors.push('referenced last, the Rollout being deleted');
  if (which?.before === undefined) return doors;
  return [
    ...doors,
    'referenced changed, nothing under way',
    ...(isRollout ? (['referenced changed, update under way'] as const) : []),
    'referenced changed, by a strict policy',
  ];
}

// The part of a namespace's name that depends on the door. The strict policy applies to namespaces with `strict` in the
// name.
function wordOf(door: Door): string {
  return door === 'referenced changed, by a strict policy' ? 'strict' : `d${DOORS.indexOf(door)}`;
}

function namedApart({ referenced }: Pair, objects: readonly KubeObject[]): string | undefined {
  const same = objects.find(
    ({ kind, metadata }) => kind === referenced?.kind && metadata.name.startsWith(referenced.metadata.name),
  );
  return referenced === undefined ? undefined : `${referenced.kind} ${same?.metadata.name ?? ''}`;
}

describe.concurrent('a conflict between two objects is reported whichever object comes last', () => {
  it.each(
    SET_UPS.flatMap((setUp) => setUp.doors.map((door) => [`${setUp.rule.id}/${setUp.file}`, door, setUp] as const)),
  )('%s: %s', async (title, door, { rule, which, at }) => {
    const { pair, word } = at(wordOf(door));
    const { printed, refused } = await applyAtDoor(cluster, pair, rule, door, which);
    const arrived = door.startsWith('referrer') ? pair.referrer : (pair.referenced ?? pair.referrer);
    if (NOT_HERE.has(`${title}: ${door.replace(/changed, .*/, 'last')}`))
      return expect(isRefused(refused, printed)).toBe(true);
    expect(reactionIn(printed, rule.id), `${[...refused].join('\n')}\n${printed.stderr}`).toBe(
      expectedReaction(pair, door),
    );
    if (which !== undefined && SHOWN.includes(door))
      show(rule.id, whenOf(door, pair), `kubectl apply -f ${arrived.kind.toLowerCase()}.yaml`, printed, word);
  });
});

function isRefused(refused: Arrival['refused'], printed: Printed): boolean {
  return refused.size > 0 || printed.code !== 0;
}

const DELETED = SET_UPS.filter(
  ({ which }) =>
    which?.before !== undefined &&
    ['VirtualService', 'Service', 'AnalysisTemplate', 'HTTPRoute', 'Ingress'].includes(
      which.referenced?.split(' ')[0] ?? '',
    ),
);

describe.concurrent('a referenced object may be deleted, with a warning', () => {
  it.each(DELETED.map((setUp) => [setUp.rule.id, setUp] as const))('%s', async (rule, { which, at }) => {
    const { pair, word } = at('deleted');
    const printed = await deleteReferenced(cluster, pair, which as Example);
    expect(printed.code, printed.stderr).toBe(0);
    expect(reactionIn(printed, 'reference-exists'), printed.stderr).toBe('warned');
    if (rule === 'virtualservice-route-exists')
      show(
        'reference-exists',
        'A VirtualService that a Rollout names is deleted',
        `kubectl delete virtualservice ${pair.referenced?.metadata.name ?? ''}`,
        printed,
        word,
      );
  });
});

describe.concurrent('objects that were already broken can be edited and deleted', () => {
  it.each(
    SET_UPS.filter(({ isExample }) => isExample).map((setUp) => [`${setUp.rule.id}/${setUp.file}`, setUp] as const),
  )('%s', async (title, { rule, at }) => {
    const { pair } = at('before');
    const { printed, refused } = await applyAtDoor(cluster, pair, rule, 'referrer last');
    if (NOT_HERE.has(`${title}: referrer last`)) return expect(isRefused(refused, printed)).toBe(true);
    // This shows that Rollgate knows about the problem.
    expect(reactionIn(printed, rule.id)).toBe(expectedReaction(pair, 'referrer last'));
    if (printed.code !== 0) await cluster.admin.run(['apply', '-f', '-'], yamlOf([pair.referrer]));
    for (const [what, { code, stderr }] of await editAndDelete(cluster, pair)) {
      expect(code, `${what}: ${stderr}`).toBe(0);
      expect(reactionIn({ code, stderr, stdout: '' }, rule.id), `${what}: ${stderr}`).toBe('nothing');
    }
  });
});

describe('docs/messages.md', () => {
  it.runIf(isDocumented())('shows what kubectl printed', () => {
    const doors = SET_UPS.flatMap(({ rule, doors: its, at }) =>
      its
        .filter((door) => SHOWN.includes(door))
        .map((door) => [door, at(wordOf(door))] as const)
        .map(([door, { pair, word }]) => `${rule.id} ${asWritten(whenOf(door, pair), word)}`),
    );
    const inOrder = [...shown].map(
      ([rule, list]) =>
        [
          rule,
          list.toSorted((a, b) => doors.indexOf(`${rule} ${a.when}`) - doors.indexOf(`${rule} ${b.when}`)),
        ] as const,
    );
    const page = messagesPage(new Map(inOrder));
    expect(partOf('messages.md', 'messages', page)).toBe(page);
  });
});

function show(rule: string, when: string, command: string, printed: Printed, word: string): void {
  const plain = (text: string): string => asWritten(text, word);
  const one: Shown = {
    when: plain(when),
    command: plain(command),
    printed: { ...printed, stderr: plain(printed.stderr), stdout: plain(printed.stdout) },
  };
  shown.set(rule, [...(shown.get(rule) ?? []), one]);
}

function whenOf(door: Door, { referrer, referenced }: Pair): string {
  const [one, other] = [`The ${referrer.kind}`, `The ${referenced?.kind ?? ''}`];
  const name = (object: KubeObject | undefined): string =>
    referrer.kind === referenced?.kind && object !== undefined ? ` "${object.metadata.name}"` : '';
  switch (door) {
    case 'referrer last':
      return referenced === undefined ? `${one} comes first` : `${one}${name(referrer)} comes last`;
    case 'referenced last':
      return `${other}${name(referenced)} comes last`;
    case 'referenced changed, nothing under way':
      return `${other}${name(referenced)} is changed while nothing is under way`;
    default:
      return `${other}${name(referenced)} is changed while an update of the Rollout is under way`;
  }
}
