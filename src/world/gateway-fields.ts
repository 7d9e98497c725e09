import { goFields } from './go-keys.ts';
import type { KindId } from './object.ts';

/** The fields in which the Gateway API plugin finds the routes of each kind. */
export const ROUTE_FORMS = [
  {
    kind: 'HTTPRoute.gateway.networking.k8s.io',
    single: 'httpRoute',
    list: 'httpRoutes',
    selector: 'httpRouteSelector',
  },
  {
    kind: 'GRPCRoute.gateway.networking.k8s.io',
    single: 'grpcRoute',
    list: 'grpcRoutes',
    selector: 'grpcRouteSelector',
  },
  { kind: 'TCPRoute.gateway.networking.k8s.io', single: 'tcpRoute', list: 'tcpRoutes', selector: 'tcpRouteSelector' },
  { kind: 'TLSRoute.gateway.networking.k8s.io', single: 'tlsRoute', list: 'tlsRoutes', selector: 'tlsRouteSelector' },
] as const satisfies readonly { kind: KindId; single: string; list: string; selector: string }[];

/** All fields of the configuration of the Gateway API plugin. */
export const CONFIG_FIELDS = goFields(
  ...ROUTE_FORMS.flatMap(({ single, list, selector }) => [single, list, selector]),
  'namespace',
  'disableInProgressLabel',
  'inProgressLabelKey',
  'inProgressLabelValue',
);

/** The fields of an entry in a list of routes. */
export const ROUTE_FIELDS = goFields('name', 'useHeaderRoutes');
