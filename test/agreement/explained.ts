/** What denies although upstream takes it, and why that is right. */
export interface Explained {
  /** The ids of the messages, by rule. */
  readonly messages: Readonly<Record<string, readonly string[]>>;
  readonly why: string;
  /**
   * What upstream says where it refuses for the same reason, by `rule/message`: where it says something else, it has a
   * reason of its own.
   */
  readonly upstream?: Readonly<Record<string, RegExp>>;
}

/** What docs/agreement.md explains; at most ten. */
export const EXPLAINED: readonly Explained[] = [
  {
    messages: { 'analysis-terminates': ['experiment', 'supplied'] },
    why: 'The controller asks whether a metric ever ends only for the analyses of steps and promotions, and only with the defaults of a template. An experiment that is required for completion, or a count that the Rollout supplies as 0, holds the update for ever all the same.',
  },
  {
    messages: { 'destinationrule-subset-labels': ['mismatch'], 'destinationrule-subsets': ['host', 'unnamed'] },
    why: 'The validation does not read DestinationRules. One without a name makes every attempt to write the hashes fail; without the name of a subset the controller writes no hash for it, and finds no destination in the routes to weigh; with one for another Service than the route sends to, the mesh knows no such subset and answers 503, as it does where a subset asks for labels that the pods do not have.',
    upstream: { 'destinationrule-subsets/unnamed': /DestinationRule subset '' not found/ },
  },
  {
    messages: { 'plugin-services': ['unnamed'] },
    why: 'The validation knows which of its own routers need both Services, and asks nothing of plugins. The Gateway API plugin v0.15.0 finds the backends to weigh by these two names alone, and refuses every weight without them.',
  },
  {
    messages: { 'rollout-experiment': ['duration', 'specRef'] },
    why: 'Nothing validates an experiment before its step is reached. A duration that Go cannot read never ends, and another specRef than canary and stable makes no Experiment; the update stands still.',
  },
  {
    messages: { 'rollout-services': ['active'] },
    why: 'A blue-green Rollout without activeService passes validation, since it differs from previewService. The controller then looks for a Service without a name at every reconciliation and fails.',
    upstream: { 'rollout-services/active': /uses the same service for the active and preview services/ },
  },
  {
    messages: { 'rollout-traffic-routing': ['unnamed'] },
    why: 'For Traefik and APISIX, and in the lists of NGINX and ALB, the validation does not ask whether the object to drive has a name, and for App Mesh, Ambassador and Istio not always. The router is asked for one at the first weight, and fails.',
    upstream: {
      'rollout-traffic-routing/unnamed': /nothing is named|must provide (virtual-service|at least one mapping)/,
    },
  },
  {
    messages: { 'route-backends': ['lacking', 'passedOver'] },
    why: 'The validation does not look at the routes of the Gateway API. The plugin refuses to set a weight in a route that lacks one of the two Services, and passes over a rule that has the canary alone, as a header rule of its own.',
  },
  {
    messages: { 'route-port-exists': ['absent', 'absentForCanary'] },
    why: 'The validation does not compare ports. The load balancer is told to send to a port that the Service does not have, and answers 503.',
  },
  {
    messages: {
      'destinationrule-extra-subsets': ['used'],
      'managed-route-clash': ['driven', 'written'],
      'rollout-ephemeral-labels': ['differs', 'taken'],
      'route-canary-only-rule': ['deleted'],
      'subset-canary-service': ['host'],
      'virtualservice-extra-destinations': ['removed'],
      'virtualservice-route-growth': ['namesakes', 'unnamed'],
    },
    why: 'The validation reads the manifests, not what the controller makes of them. Subsets and destinations of others are deleted, routes are removed or multiplied, weights end up elsewhere, ReplicaSets are refused: each was seen on the real controller, see docs/upstream-facts.md, B3 to B6, B14, C1 and H5.',
  },
  {
    messages: { 'virtualservice-route-exists': ['none'] },
    why: 'An empty list of routes passes validation, since no route in it is wrong. No weight is ever set anywhere, and the steps pass as if it were.',
    upstream: {
      'virtualservice-route-exists/none':
        /is not found in the defined Virtual Service|Unable to get any of the HTTP, TCP or TLS routes/,
    },
  },
];

/** Out: every explained message as `rule/message`. */
export function explainedIds(explained: readonly Explained[] = EXPLAINED): string[] {
  return explained.flatMap(({ messages }) =>
    Object.entries(messages).flatMap(([rule, ids]) => ids.map((id) => `${rule}/${id}`)),
  );
}
