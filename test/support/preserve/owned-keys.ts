/** The label of the pods of a ReplicaSet. */
export const HASH = 'rollouts-pod-template-hash';
/** The annotation that names the Rollout of an object. */
export const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';
/** The label of a route of the Gateway API during a canary. */
export const IN_PROGRESS = 'rollouts.argoproj.io/gatewayapi-canary';
/** Begins the annotations of an ALB Ingress. */
export const ALB = 'alb.ingress.kubernetes.io';
/** The annotation that lists those of an ALB Ingress that Rollouts added. */
export const ALB_LIST = 'rollouts.argoproj.io/managed-alb-annotations';
