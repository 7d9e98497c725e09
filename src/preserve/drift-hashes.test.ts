import { describe, expect, it } from 'vitest';
import { drifts, MANAGED, MID, rollout, service, SERVICES, type Options } from '../../test/support/drift-objects.ts';

const DR = 'istio: {destinationRule: {name: web, stableSubsetName: stable, canarySubsetName: canary}}';
const destinationRule = (stable: string, canary: string, more = ''): string => `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop${more}}
spec:
  subsets:
    - {name: stable, labels: {app: web${stable}}}
    - {name: canary, labels: {app: web${canary}}}
    - {name: other, labels: {app: web}}
`;
const hash = (value: string): string => `, rollouts-pod-template-hash: ${value}`;

describe('drift of the hashes of Services', () => {
  const found = (role: string, has: string): string[] => [
    `selector Service spec.selector.rollouts-pod-template-hash: ${has}`.replace('Service', role),
  ];

  it.each<[string, string, Options, string[]]>([
    ['as the status', SERVICES, {}, []],
    [
      'the stable Service has that of the canary',
      service('stable', 'new') + service('canary', 'new'),
      {},
      found('Service', 'new'),
    ],
    ['the stable Service has none', service('stable', '', MANAGED), {}, found('Service', '')],
    [
      'the stable Service is not adopted yet',
      service('stable', ''),
      { status: MID.replace('availableReplicas: 5', 'availableReplicas: 4') },
      [],
    ],
    ['the canary Service has that of stable', service('canary', 'old'), {}, found('Service', 'old')],
    [
      'no new pod serves yet',
      service('canary', 'old'),
      { status: MID.replace('availableReplicas: 5', 'availableReplicas: 4') },
      [],
    ],
    [
      'nothing serves',
      service('stable', 'gone'),
      { status: MID.replace('availableReplicas: 5', 'availableReplicas: 0') },
      [],
    ],
    ['aborted, the canary Service has that of stable', service('canary', 'old'), { status: `${MID}, abort: true` }, []],
    [
      'aborted, the canary Service has another',
      service('canary', 'gone'),
      { status: `${MID}, abort: true` },
      found('Service', 'gone'),
    ],
    [
      'a rollback under dynamicStableScale',
      service('canary', 'prev'),
      {
        canary: 'dynamicStableScale: true,',
        status: MID.replace('old', 'new'),
        weights: 'canary: {weight: 20, podTemplateHash: prev}, stable: {weight: 80, podTemplateHash: new}',
      },
      [],
    ],
    [
      'settled, the canary Service has an old one',
      service('canary', 'old'),
      { status: MID.replace('old', 'new'), weights: '' },
      found('Service', 'old'),
    ],
    ['without a selector', service('stable', 'new').replace(/spec: .*/, 'spec: {}'), {}, []],
  ])('%s', (_, services, options, expected) => {
    expect(drifts(rollout(options) + services)).toEqual(expected);
  });

  it('of ping and pong: the one without stable pods is not certain once the Rollout is settled', () => {
    const canary = 'pingPong: {pingService: ping, pongService: pong},';
    const settled = MID.replace('old', 'new');
    const text = (status: string): string =>
      rollout({ canary, status, weights: '' })
        .replace('stableService: stable, canaryService: canary, ', '')
        .replace('canary: {weights', 'canary: {stablePingPong: ping, weights');
    expect(drifts(text(settled) + service('ping', 'new') + service('pong', 'gone'))).toEqual([]);
    expect(drifts(text(settled) + service('ping', 'gone') + service('pong', 'gone'))).toEqual(found('Service', 'gone'));
    expect(drifts(text(MID) + service('ping', 'old') + service('pong', 'gone'))).toEqual(found('Service', 'gone'));
    expect(drifts(text(settled) + service('ping', '') + service('pong', ''))).toEqual([]);
  });

  it('of blue-green', () => {
    const blueGreen = (active: string): string => `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {replicas: 5, strategy: {blueGreen: {activeService: stable, previewService: canary}}}
status: {${MID}, blueGreen: {activeSelector: ${active}, previewSelector: new}}
`;
    expect(drifts(blueGreen('old') + SERVICES)).toEqual([]);
    expect(drifts(blueGreen('other') + SERVICES)).toEqual(found('Service', 'old'));
  });

  it('is silent about a Service that another Rollout manages', () => {
    const other = rollout().replace('name: web, namespace', 'name: other, namespace');
    const shared = service('stable', 'new', MANAGED.replace('web', 'other'));
    expect(drifts(rollout() + shared)).toEqual(found('Service', 'new'));
    expect(drifts(`${rollout()}${other.replace('stableRS: old', 'stableRS: new')}${shared}`)).toEqual([]);
  });
});

describe('drift of subsets', () => {
  it.each([
    ['as the status', hash('old'), hash('new'), []],
    [
      'swapped',
      hash('new'),
      hash('old'),
      [
        'subset DestinationRule spec.subsets[0].labels.rollouts-pod-template-hash: stable new',
        'subset DestinationRule spec.subsets[1].labels.rollouts-pod-template-hash: canary old',
      ],
    ],
    ['lost', '', hash('new'), ['subset DestinationRule spec.subsets[0].labels.rollouts-pod-template-hash: stable ']],
  ])('%s', (_, stable, canary, found) => {
    expect(drifts(rollout({ routing: DR }) + destinationRule(stable, canary))).toEqual(found);
  });

  it('is silent where the status has no hash', () => {
    const weights = 'canary: {weight: 20}, stable: {weight: 80}';
    expect(drifts(rollout({ routing: DR, weights }) + destinationRule('', ''))).toEqual([]);
  });
});

describe('drift of the hashes of virtual nodes', () => {
  const MESH =
    'appMesh: {virtualService: {name: web}, virtualNodeGroup: {stableVirtualNodeRef: {name: node-a}, canaryVirtualNodeRef: {name: node-b}}}';
  const node = (name: string, has: string, more = ''): string => `
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: {name: ${name}, namespace: shop${more}}
spec: {podSelector: {matchLabels: {app: web${has}}}}
`;
  const path = 'selector VirtualNode spec.podSelector.matchLabels.rollouts-pod-template-hash';

  it.each([
    ['as the status', hash('old'), hash('new'), []],
    ['lost', '', '', [`${path}: `, `${path}: `]],
    ['swapped', hash('new'), hash('old'), [`${path}: new`, `${path}: old`]],
    ['of a time without canary', hash('old'), hash('canary-hash'), [`${path}: canary-hash`]],
  ])('%s', (_, stable, canary, found) => {
    expect(drifts(rollout({ routing: MESH }) + node('node-a', stable) + node('node-b', canary))).toEqual(found);
  });

  it('without a canary, the node of the canary has a text that no pod has', () => {
    const weights = 'canary: {weight: 0, podTemplateHash: new}, stable: {weight: 100, podTemplateHash: new}';
    const settled = rollout({ routing: MESH, weights, status: MID.replace('old', 'new') });
    expect(drifts(settled + node('node-a', hash('new')) + node('node-b', hash('canary-hash')))).toEqual([]);
    expect(drifts(settled + node('node-a', hash('new')) + node('node-b', hash('new')))).toEqual([`${path}: new`]);
  });

  it('is not certain where Rollouts share a node', () => {
    const text = rollout({ routing: MESH });
    const shared = text + text.replace('name: web, namespace', 'name: other, namespace') + node('node-a', '');
    expect(drifts(shared)).toEqual([]);
  });

  it.each([
    ['the status has no hash', { weights: 'canary: {weight: 20}, stable: {weight: 80}' }, ''],
    ['one node has both roles', { routing: MESH.replace('node-b', 'node-a') }, ''],
    ['the node is being deleted', {}, ', deletionTimestamp: "2026-01-01T00:00:00Z"'],
  ])('is not certain if %s', (_, options, more) => {
    expect(
      drifts(rollout({ routing: MESH, ...options }) + node('node-a', '', more) + node('node-b', '', more)),
    ).toEqual([]);
  });
});
