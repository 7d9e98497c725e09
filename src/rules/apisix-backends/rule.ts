import { APISIX_PLACES, apisixRefOf, apisixRules } from '../../world/apisix.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { isOwnedBy, OWNER_PLACES } from '../../world/owners.ts';
import { asString, dig } from '../../world/read.ts';
import { countedSteps, isBeingDeleted, SERVICE_ROLE_PLACES, serviceRoles } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const WHY =
  'The validation does not read ApisixRoutes. Each attempt to set a weight fails, so the update is stuck (docs/upstream-facts.md, claim I5).';

const messages = {
  rule: {
    class: 'invalid',
    text: 'ApisixRoute "{name}" has no http rule "{rule}" (it has {has})',
    fix: 'use one of its rules in trafficRouting.apisix.route.rules, or add this rule',
  },
  backend: {
    class: 'invalid',
    text: 'http rule "{rule}" of ApisixRoute "{name}" has no backend for {role} Service "{service}" (it has {has})',
    fix: 'add a backend with serviceName {service}',
  },
  header: {
    class: 'advice',
    text: 'step {number} creates ApisixRoute "{name}" for a header route, but there is one that does not belong to this Rollout, so the step fails',
    fix: 'delete it, or use another name in setHeaderRoute and managedRoutes',
  },
} as const;

export const apisixBackends = defineRule({
  id: 'apisix-backends',
  summary: 'The ApisixRoute of a Rollout has the rules that it names, each with the stable and the canary Service.',
  explanation:
    'The controller sets the weights of two backends in each http rule that route.rules names, or in the rule with ' +
    'the name of the ApisixRoute if there is no list. It finds them by the names of the stable and the canary ' +
    'Service, and does not create them. If a rule or a backend is missing, it fails at each attempt, and the update ' +
    'is stuck. For a header route it creates an ApisixRoute with the name of the route. If that name belongs to ' +
    'something else, the step fails. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/apisix ' +
    '(SetWeight, SetHeaderRoute).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.trafficRouting.apisix.route',
      'spec.strategy.canary.steps[*].setHeaderRoute.name',
      ...SERVICE_ROLE_PLACES,
    ],
  },
  reads: { 'ApisixRoute.apisix.apache.org': [...APISIX_PLACES, ...OWNER_PLACES, 'metadata.deletionTimestamp'] },
  stricterThanUpstream: {
    rule: { why: WHY, seenBy: [] },
    backend: { why: WHY, seenBy: [] },
  },
  messages,
  check(context, rollout) {
    const { name, path, rules } = apisixRefOf(rollout);
    const route = name === '' ? undefined : context.find('ApisixRoute.apisix.apache.org', namespaceOf(rollout), name);
    if (name !== '') checkHeaderRoutes(context, rollout);
    if (route === undefined) return;
    // The controller takes the first of two rules with one name.
    const byName = new Map(
      apisixRules(route, context)
        .map((rule) => [rule.name, rule] as const)
        .reverse(),
    );
    for (const wanted of rules) {
      const rule = byName.get(wanted.name);
      if (rule === undefined) {
        context.report('rule', {
          path: wanted.path,
          anchor: wanted.name,
          data: { name, rule: wanted.name, has: listed(byName.keys(), quoted) },
          related: [{ object: route, path: ['spec', 'http'] }],
        });
        continue;
      }
      context.spend(rule.backends.length);
      const services = new Set(rule.backends.map(({ service }) => service));
      for (const [role, service] of serviceRoles(rollout)) {
        if (services.has(service)) continue;
        context.report('backend', {
          object: route,
          path: [...rule.path, 'backends'],
          anchor: `${rule.name} ${service}`,
          data: { name, rule: rule.name, role, service, has: listed(services, quoted) },
          related: [{ object: rollout, path }],
        });
      }
    }
  },
});

function checkHeaderRoutes(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  const seen = new Set(['']);
  for (const [index, step] of countedSteps(rollout, context).entries()) {
    const name = asString(dig(step, 'setHeaderRoute', 'name'));
    if (seen.has(name)) continue;
    seen.add(name);
    const existing = context.find('ApisixRoute.apisix.apache.org', namespaceOf(rollout), name);
    if (existing === undefined || isBeingDeleted(existing) || isOwnedBy(existing, rollout)) continue;
    context.report('header', {
      path: ['spec', 'strategy', 'canary', 'steps', index, 'setHeaderRoute', 'name'],
      anchor: name,
      data: { number: index + 1, name },
      related: [{ object: existing, path: ['metadata', 'name'] }],
    });
  }
}
