import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject, optionalNumber, asString, type JsonObject } from '../../world/read.ts';
import { managedRouteNames, countedSteps, trafficRoutingOf } from '../../world/rollout.ts';
import { routersOf, type Router } from '../../world/routers.ts';
import { countedContentOf } from '../counted-content.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const HEADER_ROUTERS: readonly Router[] = ['istio', 'alb', 'apisix', 'plugins'];
const WEIGHT_ROUTERS: readonly Router[] = ['istio', 'alb', 'smi', 'plugins'];
const FORMS = ['exact', 'prefix', 'regex'];

const messages = {
  headerRouter: {
    class: 'invalid',
    text: 'step {number} has setHeaderRoute, which works only with Istio, AWS ALB, APISIX and router plugins',
    fix: 'remove the step, or configure one of them in trafficRouting',
  },
  mirrorRouter: {
    class: 'invalid',
    text: 'step {number} has setMirrorRoute, which works only with Istio',
    fix: 'remove the step, or configure Istio in trafficRouting',
  },
  unmanaged: {
    class: 'invalid',
    text: 'step {number} names route "{name}", which is not in trafficRouting.managedRoutes{has}',
    fix: 'add the route there, or correct its name',
  },
  match: {
    class: 'invalid',
    text: 'step {number} matches {what} by {forms}',
    fix: 'set exactly one of exact, prefix and regex',
  },
  albMatch: {
    class: 'invalid',
    text: 'step {number} matches {what} by {forms}, but AWS ALB supports only exact',
    fix: 'set exact and nothing else',
  },
  experimentWeight: {
    class: 'invalid',
    text: 'step {number} sets a weight for experiment template "{name}", which works only with Istio, AWS ALB, SMI and router plugins',
    fix: 'remove the weight, or configure one of them in trafficRouting',
  },
} as const;

export const rolloutRouteSteps = defineRule({
  id: 'rollout-route-steps',
  summary:
    'Steps use header routes, mirror routes and experiment weights only with routers that support them, and name managed routes.',
  explanation:
    'setHeaderRoute works with Istio, AWS ALB, APISIX and plugins. setMirrorRoute works with Istio. The weight of ' +
    'an experiment template works with Istio, AWS ALB, SMI and plugins. Header and mirror routes must be listed ' +
    'in managedRoutes. Each of their matches must have exactly one form; with AWS ALB this must be exact. ' +
    'Otherwise the controller marks the Rollout InvalidSpec. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, ValidateStepRouteFoundInManagedRoute, ' +
    'hasMultipleMatchValues, hasALBInvalidValues).',
  subject: { 'Rollout.argoproj.io': ['spec.strategy.canary.steps', 'spec.strategy.canary.trafficRouting'] },
  reads: {},
  messages,
  check(context, rollout) {
    const routing: Routing = {
      exists: trafficRoutingOf(rollout) !== undefined,
      routers: routersOf(rollout),
      managed: new Set(managedRouteNames(rollout)),
    };
    for (const [index, raw] of countedSteps(rollout, context).entries()) {
      const step = new Step(raw, index, context);
      checkHeaderRoute(context, routing, step);
      checkMirrorRoute(context, routing, step);
      checkExperiment(context, routing, step);
    }
  },
});

type Context = RuleContext<typeof messages>;

interface Routing {
  readonly exists: boolean;
  readonly routers: ReadonlySet<Router>;
  readonly managed: ReadonlySet<string>;
}

class Step {
  readonly raw: unknown;
  readonly number: number;
  readonly #index: number;
  readonly #context: Context;
  #anchor: string | undefined;

  constructor(raw: unknown, index: number, context: Context) {
    this.#context = context;
    this.raw = raw;
    this.number = index + 1;
    this.#index = index;
  }

  get path(): Path {
    return ['spec', 'strategy', 'canary', 'steps', this.#index];
  }

  /** Made only for findings: of a long step it costs more than the check. */
  get anchor(): string {
    return (this.#anchor ??= countedContentOf(this.raw, this.#context));
  }
}

function checkHeaderRoute(context: Context, routing: Routing, step: Step): void {
  const route = dig(step.raw, 'setHeaderRoute');
  if (!isObject(route)) return;
  const path = [...step.path, 'setHeaderRoute'];
  checkName(context, routing, step, route, path);
  if (!HEADER_ROUTERS.some((router) => routing.routers.has(router))) {
    context.report('headerRouter', { path, anchor: step.anchor, data: { number: step.number } });
    return;
  }
  const message = routing.routers.has('alb') ? 'albMatch' : 'match';
  for (const [index, match] of asArray(route['match']).entries()) {
    checkMatch(
      context,
      message,
      step,
      [...path, 'match', index, 'headerValue'],
      `header "${asString(dig(match, 'headerName'))}"`,
      dig(match, 'headerValue'),
    );
  }
}

function checkMirrorRoute(context: Context, routing: Routing, step: Step): void {
  const route = dig(step.raw, 'setMirrorRoute');
  if (!isObject(route)) return;
  const path = [...step.path, 'setMirrorRoute'];
  checkName(context, routing, step, route, path);
  if (!routing.routers.has('istio'))
    context.report('mirrorRouter', {
      path,
      anchor: step.anchor,
      data: { number: step.number },
      versions: routing.routers.has('plugins') ? { before: 'mirrorRouteWithPlugins' } : undefined,
    });
  for (const [index, match] of asArray(route['match']).entries()) {
    for (const what of ['method', 'path']) {
      const value = dig(match, what);
      if (isObject(value)) checkMatch(context, 'match', step, [...path, 'match', index, what], what, value);
    }
  }
}

function checkName(context: Context, { exists, managed }: Routing, step: Step, route: JsonObject, path: Path): void {
  const name = asString(route['name']);
  if (!exists || managed.has(name)) return;
  const has = managed.size === 0 ? '' : ` (it lists ${listed(managed, quoted)})`;
  const data = { number: step.number, name, has };
  context.report('unmanaged', { path: [...path, 'name'], anchor: step.anchor, data });
}

function checkMatch(
  context: Context,
  message: 'match' | 'albMatch',
  step: Step,
  path: Path,
  what: string,
  match: unknown,
): void {
  const given = FORMS.filter((form) => asString(dig(match, form)) !== '');
  if (given.length === 1 && (message === 'match' || given[0] === 'exact')) return;
  const forms = given.length === 0 ? 'none of exact, prefix and regex' : given.join(' and ');
  context.report(message, { path, anchor: `${step.anchor} ${what}`, data: { number: step.number, what, forms } });
}

function checkExperiment(context: Context, { routers }: Routing, step: Step): void {
  if (WEIGHT_ROUTERS.some((router) => routers.has(router))) return;
  for (const [index, template] of asArray(dig(step.raw, 'experiment', 'templates')).entries()) {
    if (optionalNumber(dig(template, 'weight')) === undefined) continue;
    const name = asString(dig(template, 'name'));
    context.report('experimentWeight', {
      path: [...step.path, 'experiment', 'templates', index, 'weight'],
      anchor: `${step.anchor} ${name}`,
      data: { number: step.number, name },
    });
  }
}
