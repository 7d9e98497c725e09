import type { KubeObject } from './object.ts';
import { asArray, asString, dig, isObject, optionalNumber, optionalString } from './read.ts';
import { routerConfig } from './routers.ts';

/** The annotation in which the controller lists the annotations that it manages, by name of the Rollout. */
export const MANAGED_ALB_ANNOTATIONS = 'rollouts.argoproj.io/managed-alb-annotations';

const PREFIX = 'alb.ingress.kubernetes.io';

/** Returns the annotation of an Ingress with the action of a name: where an ALB sends requests, and in which shares. */
export function actionAnnotation(rollout: KubeObject, name: string): string {
  return `${prefixOf(rollout)}/actions.${name}`;
}

/** Returns the annotation of an Ingress with the conditions for the action of a name. */
export function conditionsAnnotation(rollout: KubeObject, name: string): string {
  return `${prefixOf(rollout)}/conditions.${name}`;
}

function prefixOf(rollout: KubeObject): string {
  return optionalString(routerConfig(rollout, 'alb')?.['annotationPrefix']) ?? PREFIX;
}

/** An entry in the target groups of an action. */
export interface AlbTargetGroup {
  readonly service: string;
  readonly port: string;
  /** Any value; undefined if none is set. */
  readonly weight: unknown;
}

/** How an action forwards requests, as far as the controller writes it. */
export interface AlbAction {
  readonly groups: readonly AlbTargetGroup[];
  /** In seconds; undefined if requests of a client may go to different groups. */
  readonly stickiness: number | undefined;
}

/** Returns the action in the text of an annotation, or undefined if it is none that forwards to target groups. */
export function readAction(text: string): AlbAction | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const config = field(value, 'forwardConfig');
  const groups = field(config, 'targetGroups');
  if (field(value, 'type') !== 'forward' || !Array.isArray(groups)) return undefined;
  const stickiness = field(config, 'targetGroupStickinessConfig');
  return {
    groups: asArray(groups).map((group) => ({
      service: asString(field(group, 'serviceName')),
      port: portOf(field(group, 'servicePort')),
      weight: field(group, 'weight'),
    })),
    stickiness:
      field(stickiness, 'enabled') === true ? optionalNumber(field(stickiness, 'durationSeconds')) : undefined,
  };
}

function portOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : asString(value);
}

// The controller writes `ForwardConfig`, people write `forwardConfig`. Go reads both.
function field(holder: unknown, name: string): unknown {
  return dig(holder, `${name[0]?.toUpperCase()}${name.slice(1)}`) ?? dig(holder, name);
}

/**
 * Returns the text of an action as the controller writes it. Source: Argo Rollouts v1.9.1, `rollout/trafficrouting/alb`
 * (getForwardActionString).
 */
export function actionText({ groups, stickiness }: AlbAction): string {
  return JSON.stringify({
    Type: 'forward',
    ForwardConfig: {
      TargetGroups: groups.map(({ service, port, weight }) => ({
        ServiceName: service,
        ServicePort: port,
        Weight: weight,
      })),
      ...(stickiness === undefined
        ? {}
        : { TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: stickiness } }),
    },
  });
}

/** Returns the port of the target groups in an action, or undefined if the Rollout has none. */
export function albPortOf(rollout: KubeObject): string | undefined {
  const port = routerConfig(rollout, 'alb')?.['servicePort'];
  return typeof port === 'number' && Number.isInteger(port) ? String(port) : undefined;
}

/** Returns for how many seconds requests of a client go to the same target group; undefined if they need not. */
export function albStickinessOf(rollout: KubeObject): number | undefined {
  const config = routerConfig(rollout, 'alb')?.['stickinessConfig'];
  return dig(config, 'enabled') === true ? optionalNumber(dig(config, 'durationSeconds')) : undefined;
}

/** Returns the annotations that the controller manages, by name of the Rollout; undefined if the text is invalid. */
export function readManagedAnnotations(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const managed = new Map<string, readonly string[]>();
  for (const [name, keys] of Object.entries(value)) {
    // Go reads null as an empty list. Other values could be nested too deeply to compare or write.
    const list = keys ?? [];
    if (!isListOfTexts(list)) return undefined;
    managed.set(name, list);
  }
  return managed;
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Returns the text of managed annotations as the controller writes it: sorted by name of the Rollout. */
export function managedAnnotationsText(managed: ReadonlyMap<string, readonly string[]>): string {
  return JSON.stringify(Object.fromEntries([...managed].sort(([a], [b]) => (a < b ? -1 : 1))));
}
