import { contentOf } from '../../world/content.ts';
import type { Path } from '../../world/path.ts';
import { array, dig, isObject, object, optionalNumber, string, type JsonObject } from '../../world/read.ts';
import { managedRouteNames, stepsOf, trafficRoutingOf } from '../../world/rollout.ts';
import { routersOf, type Router } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

const HEADER_ROUTERS: readonly Router[] = ['istio', 'alb', 'apisix', 'plugins'];
const WEIGHT_ROUTERS: readonly Router[] = ['istio', 'alb', 'smi', 'plugins'];
const FORMS = ['exact', 'prefix', 'regex'];

export const rolloutRouteSteps = defineRule({
  id: 'rollout-route-steps',
  summary: 'Header routes, mirror routes and experiment weights are used only with routers that can do them, and name managed routes.',
  explanation:
    'setHeaderRoute works with Istio, AWS ALB, APISIX and plugins, setMirrorRoute with Istio, the weight of an experiment template with Istio, AWS ALB, SMI and plugins; both routes have to be listed in managedRoutes, and each of their ' +
    'matches compares in exactly one way (with AWS ALB only exactly). Anything else makes the Rollout InvalidSpec. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, ' +
    'ValidateStepRouteFoundInManagedRoute, hasMultipleMatchValues, hasALBInvalidValues).',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    headerRouter: {
      class: 'invalid',
      text: 'step {number} has setHeaderRoute, which only Istio, AWS ALB, APISIX and router plugins can do',
      fix: 'remove the step, or configure one of them in trafficRouting',
    },
    mirrorRouter: {
      class: 'invalid',
      text: 'step {number} has setMirrorRoute, which only Istio can do',
      fix: 'remove the step, or configure Istio in trafficRouting',
    },
    unmanaged: {
      class: 'invalid',
      text: 'step {number} names the route "{name}", which is not in trafficRouting.managedRoutes{listed}',
      fix: 'list it there by that name',
    },
    match: {
      class: 'invalid',
      text: 'step {number} matches {what} by {forms}',
      fix: 'give exactly one of exact, prefix and regex',
    },
    albMatch: {
      class: 'invalid',
      text: 'step {number} matches {what} by {forms}, and AWS ALB compares exactly',
      fix: 'give exact, and nothing else',
    },
    experimentWeight: {
      class: 'invalid',
      text: 'step {number} gives the experiment template "{name}" a weight, which only Istio, AWS ALB, SMI and router plugins can do',
      fix: 'remove the weight, or configure one of them in trafficRouting',
    },
  },
  check(context, rollout) {
    const routers = routersOf(rollout);
    const routed = trafficRoutingOf(rollout) !== undefined;
    const managed = managedRouteNames(rollout);
    const listed = managed.length === 0 ? '' : ` (they are ${managed.map((name) => `"${name}"`).join(', ')})`;
    for (const [index, step] of stepsOf(rollout).entries()) {
      const path = ['spec', 'strategy', 'canary', 'steps', index];
      const number = index + 1;
      const anchor = contentOf(step);
      const checkName = (field: string, route: JsonObject): void => {
        const name = string(route['name']);
        if (routed && !managed.includes(name)) context.report('unmanaged', { path: [...path, field, 'name'], anchor, data: { number, name, listed } });
      };
      const checkMatch = (at: Path, what: string, match: unknown, exactOnly: boolean): void => {
        const given = FORMS.filter((form) => string(dig(match, form)) !== '');
        const fine = exactOnly ? given.length === 1 && given[0] === 'exact' : given.length === 1;
        if (fine) return;
        const forms = given.length === 0 ? 'nothing' : given.join(' and ');
        context.report(exactOnly ? 'albMatch' : 'match', { path: at, anchor: `${anchor} ${what}`, data: { number, what, forms } });
      };

      const header = dig(step, 'setHeaderRoute');
      if (isObject(header)) {
        const supported = HEADER_ROUTERS.some((router) => routers.has(router));
        if (!supported) context.report('headerRouter', { path: [...path, 'setHeaderRoute'], anchor, data: { number } });
        checkName('setHeaderRoute', header);
        for (const [position, match] of supported ? array(header['match']).entries() : []) {
          const at = [...path, 'setHeaderRoute', 'match', position, 'headerValue'];
          checkMatch(at, `header "${string(dig(match, 'headerName'))}"`, dig(match, 'headerValue'), routers.has('alb'));
        }
      }

      const mirror = dig(step, 'setMirrorRoute');
      if (isObject(mirror)) {
        if (!routers.has('istio')) context.report('mirrorRouter', { path: [...path, 'setMirrorRoute'], anchor, data: { number } });
        checkName('setMirrorRoute', mirror);
        for (const [position, match] of array(mirror['match']).entries()) {
          for (const what of ['method', 'path']) {
            const value = object(match)[what];
            if (isObject(value)) checkMatch([...path, 'setMirrorRoute', 'match', position, what], what, value, false);
          }
        }
      }

      for (const [position, template] of array(dig(step, 'experiment', 'templates')).entries()) {
        if (optionalNumber(dig(template, 'weight')) === undefined || WEIGHT_ROUTERS.some((router) => routers.has(router))) continue;
        const name = string(dig(template, 'name'));
        context.report('experimentWeight', { path: [...path, 'experiment', 'templates', position, 'weight'], anchor: `${anchor} ${name}`, data: { number, name } });
      }
    }
  },
});
