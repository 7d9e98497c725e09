import { findManagedRoutes, GATEWAY_ROUTE_PLACES, SELECTED_ROUTE_PLACES } from '../../world/gateway.ts';
import { KINDS, type KindId } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { mayBeKnownGatewayPlugin } from '../../world/rollouts-versions.ts';
import { defineRule } from '../define.ts';

const ALPHA_KINDS = [
  'TCPRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
] as const satisfies readonly KindId[];
const OTHER_KINDS = ['HTTPRoute.gateway.networking.k8s.io', 'GRPCRoute.gateway.networking.k8s.io'] as const;
const ALPHA = 'gateway.networking.k8s.io/v1alpha2';

export const gatewayRouteVersion = defineRule({
  id: 'gateway-route-version',
  summary: 'The Gateway API plugin can read the TCPRoutes and TLSRoutes of a Rollout.',
  explanation:
    'Whatever the version in a manifest, the plugin asks the API server for TCPRoutes and TLSRoutes of v1alpha2. The ' +
    'standard channel of Gateway API serves no TLSRoutes of v1alpha2 since 1.5, and no TCPRoutes of v1alpha2 since ' +
    '1.6; the experimental channel does. If the cluster does not serve v1alpha2, the Rollout stops at its first ' +
    'weight. Which versions the cluster serves is not in the manifests, so this is only advice of lint and the dry ' +
    'run. Nothing is reported if the plugin is known to be newer than 0.15. Source: Gateway API plugin v0.15.0, pkg/plugin (setTCPRouteWeight, setTLSRouteWeight); Gateway API v1.6.3, ' +
    'config/crd.',
  subject: { 'Rollout.argoproj.io': GATEWAY_ROUTE_PLACES },
  lintOnly: true,
  reads: inEach([...ALPHA_KINDS, ...OTHER_KINDS], SELECTED_ROUTE_PLACES),
  messages: {
    notAlpha: {
      class: 'advice',
      text: '{kind} "{name}" is {apiVersion}, but the Gateway API plugin 0.15.0 reads it as v1alpha2',
      fix: 'make sure that the cluster serves v1alpha2, as the experimental channel of Gateway API does',
    },
  },
  check(context, rollout) {
    if (!mayBeKnownGatewayPlugin(context.versions)) return;
    for (const { kind, route, path } of findManagedRoutes(rollout, context)) {
      if (!ALPHA_KINDS.some((alpha) => alpha === kind) || route.apiVersion === ALPHA) continue;
      const { name } = route.metadata;
      context.report('notAlpha', {
        path,
        anchor: name,
        data: { kind: KINDS[kind].kind, name, apiVersion: route.apiVersion },
        related: [{ object: route, path: ['apiVersion'] }],
      });
    }
  },
});
