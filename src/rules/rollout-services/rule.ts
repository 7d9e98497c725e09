import type { KubeObject } from '../../world/object.ts';
import { isObject, optionalObject, asString, type JsonObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf, trafficRoutingOf } from '../../world/rollout.ts';
import { routerConfig, ROUTERS, routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';

const CANARY_PATH = ['spec', 'strategy', 'canary'];

const messages = {
  same: {
    class: 'invalid',
    text: '{first} and {second} both name Service "{name}"',
    fix: 'set {second} to another Service',
  },
  needed: {
    class: 'invalid',
    text: '{router} needs stableService and canaryService, but {field} is not set',
    fix: 'set spec.strategy.canary.{field} to a separate Service',
  },
  active: {
    class: 'invalid',
    text: 'spec.strategy.blueGreen has no activeService',
    fix: 'set activeService to the Service that users reach',
  },
  pingPong: {
    class: 'invalid',
    text: 'pingPong needs two Services, but {field} is not set',
    fix: 'set spec.strategy.canary.pingPong.{field} to a separate Service',
  },
  pingPongRouter: {
    class: 'invalid',
    text: 'pingPong works only with AWS ALB and Istio, but trafficRouting has neither',
    fix: 'remove pingPong, and use stableService and canaryService',
  },
  pingPongRoot: {
    class: 'invalid',
    text: 'pingPong with AWS ALB needs a root Service, but trafficRouting.alb.rootService is not set',
    fix: 'set rootService to the Service that the Ingress sends to',
  },
} as const;

export const rolloutServices = defineRule({
  id: 'rollout-services',
  summary: 'A Rollout names the Services that its strategy and router need, and uses each Service for one role only.',
  explanation:
    'The controller writes a different pod hash into the selector of each Service. It marks the Rollout ' +
    'InvalidSpec if two roles share one Service, or if a Service that the router needs is not set. A blue-green ' +
    'Rollout without activeService passes that check, but fails at every reconciliation because there is no such ' +
    'Service. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, ' +
    'requireCanaryStableServices, ValidateRolloutStrategyBlueGreen) and rollout/service.go.',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.blueGreen.activeService',
      'spec.strategy.blueGreen.previewService',
      'spec.strategy.canary.stableService',
      'spec.strategy.canary.canaryService',
      'spec.strategy.canary.pingPong',
      'spec.strategy.canary.trafficRouting',
    ],
  },
  reads: {},
  stricterThanUpstream: {
    active: {
      why: 'A blue-green Rollout without activeService passes validation, because it differs from previewService. The controller then looks for a Service without a name at every reconciliation, and fails.',
      seenBy: ['agreement'],
      refusal: /uses the same service for the active and preview services/,
    },
  },
  messages,
  check(context, rollout) {
    const canary = canaryOf(rollout);
    const blueGreen = blueGreenOf(rollout);
    if (canary !== undefined) {
      differ(context, CANARY_PATH, canary, 'stableService', 'canaryService');
      const router = routerThatNeedsBoth(rollout);
      for (const field of ['stableService', 'canaryService']) {
        if (router !== undefined && asString(canary[field]) === '')
          context.report('needed', { path: [...CANARY_PATH, field], anchor: field, data: { router, field } });
      }
      const pingPong = optionalObject(canary['pingPong']);
      if (pingPong !== undefined) checkPingPong(context, rollout, pingPong);
    }
    if (blueGreen !== undefined) {
      const path = ['spec', 'strategy', 'blueGreen'];
      if (asString(blueGreen['activeService']) === '')
        context.report('active', { path: [...path, 'activeService'], anchor: 'activeService', data: {} });
      differ(context, path, blueGreen, 'activeService', 'previewService');
    }
  },
});

type Context = RuleContext<typeof messages>;

function differ(context: Context, path: readonly string[], holder: JsonObject, first: string, second: string): void {
  const name = asString(holder[first]);
  if (name !== '' && name === asString(holder[second]))
    context.report('same', { path: [...path, second], anchor: name, data: { first, second, name } });
}

function checkPingPong(context: Context, rollout: KubeObject, pingPong: JsonObject): void {
  const path = [...CANARY_PATH, 'pingPong'];
  const routers = routersOf(rollout);
  differ(context, path, pingPong, 'pingService', 'pongService');
  for (const field of ['pingService', 'pongService']) {
    if (asString(pingPong[field]) === '')
      context.report('pingPong', { path: [...path, field], anchor: field, data: { field } });
  }
  if (trafficRoutingOf(rollout) !== undefined && !routers.has('alb') && !routers.has('istio'))
    context.report('pingPongRouter', {
      path,
      anchor: 'pingPong',
      data: {},
      versions: routers.has('plugins') ? { before: 'pingPongWithPlugins' } : undefined,
    });
  if (routers.has('alb') && asString(routerConfig(rollout, 'alb')?.['rootService']) === '') {
    context.report('pingPongRoot', {
      path: [...CANARY_PATH, 'trafficRouting', 'alb', 'rootService'],
      anchor: 'rootService',
      data: {},
    });
  }
}

function routerThatNeedsBoth(rollout: KubeObject): string | undefined {
  const routers = routersOf(rollout);
  const pingPong = isObject(canaryOf(rollout)?.['pingPong']);
  if (routers.has('alb') && !pingPong) return ROUTERS.alb;
  if (routers.has('istio') && !pingPong && !isObject(routerConfig(rollout, 'istio')?.['destinationRule']))
    return 'Istio without a destinationRule';
  for (const router of ['smi', 'apisix', 'ambassador', 'nginx', 'appMesh', 'traefik'] as const)
    if (routers.has(router)) return ROUTERS[router];
  return undefined;
}
