import { at, CANARY, METRIC, ROUTING, STEP, type Mistake } from './mistake.ts';

// Names that not all versions of Argo Rollouts read in the same way.
const NAMES = [
  'web.shop',
  'web.shop.svc',
  'web.shop.svc.cluster.local',
  'web.shop.cluster.local',
  'web.cluster.local',
  'web.example.com',
  'web.example.com.shop',
  'web..shop',
  'web.',
  '.shop',
  '..shop',
  '.cluster.local',
];

/** Mistakes and settings about which the versions of Argo Rollouts differ. */
export const VERSIONS: readonly Mistake[] = [
  at('Rollout', `${ROUTING}/istio/virtualService/name`, ...NAMES),
  at('Rollout', `${ROUTING}/istio/virtualServices/*/name`, ...NAMES),
  at('VirtualService', 'metadata/name', 'web.example.com', 'web.shop', 'web.'),
  at('VirtualService', 'metadata/namespace', 'example', 'svc', 'cluster'),
  at(
    'VirtualService',
    'spec/http/*/route/*/destination/host',
    'web-stable.other',
    'web-canary.shop.svc',
    'web.shop',
    '.',
  ),
  // Before 1.10 the API server drops the field, and what is written in it.
  at(
    'template',
    `${METRIC}/provider/datadog/requestTimeout`,
    '{{args.service}}',
    '{{args.gone}}',
    '{{',
    'soon',
    '0s',
    '-1s',
    '',
  ),
  at('Rollout', `${CANARY}/pingPong+`, { pingService: 'web-stable', pongService: 'web-canary' }),
  at('Rollout', STEP, { setMirrorRoute: { name: 'mirrored', percentage: 30, match: [{ path: { prefix: '/' } }] } }),
];
