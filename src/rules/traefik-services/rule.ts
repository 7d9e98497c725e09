import { namespaceOf } from '../../world/object.ts';
import { SERVICE_ROLE_PLACES, serviceRoles } from '../../world/rollout.ts';
import { TRAEFIK_PATH, TRAEFIK_PLACES, traefikEntries, traefikServiceOf } from '../../world/traefik.ts';
import { defineRule } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const WHY =
  'The validation does not read TraefikServices. Each attempt to set a weight fails, so the update is stuck (docs/upstream-facts.md, claim I5).';

export const traefikServices = defineRule({
  id: 'traefik-services',
  summary: 'The TraefikService of a Rollout splits traffic between the stable and the canary Service.',
  explanation:
    'The controller sets the weights of two entries in spec.weighted.services, which it finds by the names of the ' +
    'stable and the canary Service. It does not create them, and mirroring does not count. If one is missing, it fails ' +
    'at each attempt, and the update is stuck. Traefik needs a port in each entry that is a Service. Source: Argo ' +
    'Rollouts v1.9.1, rollout/trafficrouting/traefik (SetWeight); Traefik v3, pkg/provider/kubernetes/crd ' +
    '(getServicePort).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName',
      ...SERVICE_ROLE_PLACES,
    ],
  },
  reads: { 'TraefikService.traefik.io': TRAEFIK_PLACES },
  stricterThanUpstream: {
    unweighted: { why: WHY, seenBy: [] },
    absent: { why: WHY, seenBy: [] },
  },
  messages: {
    unweighted: {
      class: 'invalid',
      text: 'TraefikService "{name}" has no spec.weighted.services, so the controller cannot set weights',
      fix: 'list the stable and the canary Service there',
    },
    absent: {
      class: 'invalid',
      text: 'TraefikService "{name}" has no entry for {role} Service "{service}" (it has {has})',
      fix: 'add the Service to spec.weighted.services',
    },
    noPort: {
      class: 'advice',
      text: 'TraefikService "{name}" sets no port for Service "{service}", so Traefik rejects the entry and serves none of the entries',
      fix: 'set port to a port of the Service',
    },
  },
  check(context, rollout) {
    const name = traefikServiceOf(rollout);
    const service = name === '' ? undefined : context.find('TraefikService.traefik.io', namespaceOf(rollout), name);
    if (service === undefined) return;
    const related = [{ object: rollout, path: TRAEFIK_PATH }];
    const entries = traefikEntries(service, context);
    if (entries === undefined) {
      context.report('unweighted', { object: service, path: ['spec'], anchor: name, data: { name }, related });
      return;
    }
    const roles = serviceRoles(rollout);
    for (const { name: entry, kind, port, path } of entries) {
      if (kind !== 'Service' || port !== undefined || !roles.some(([, wanted]) => wanted === entry)) continue;
      context.report('noPort', {
        object: service,
        path: [...path, 'name'],
        anchor: entry,
        data: { name, service: entry },
        related,
      });
    }
    const names = new Set(entries.map((entry) => entry.name));
    for (const [role, wanted] of roles) {
      if (names.has(wanted)) continue;
      context.report('absent', {
        object: service,
        path: ['spec', 'weighted', 'services'],
        anchor: wanted,
        data: { name, role, service: wanted, has: listed(names, quoted) },
        related,
      });
    }
  },
});
