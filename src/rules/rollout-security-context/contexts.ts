import { countedContainers, renderContainer, TEMPLATE_PATH } from '../../world/containers.ts';
import type { Path } from '../../world/path.ts';
import { dig, optionalObject, type JsonObject } from '../../world/read.ts';

/** A security context of a pod template: that of the pod, or of one container. */
export interface SecurityContext {
  /** Whose it is, for messages. */
  readonly owner: string;
  /** The name of the container, or `pod`. */
  readonly anchor: string;
  readonly isOfPod: boolean;
  readonly raw: JsonObject;
  readonly path: Path;
}

/** Returns the security contexts that a pod template has: that of the pod first. */
export function securityContextsOf(
  template: JsonObject,
  counting: { readonly spend: (operations: number) => void },
): SecurityContext[] {
  const ofPod = {
    owner: 'the pod template',
    anchor: 'pod',
    isOfPod: true,
    raw: dig(template, 'spec', 'securityContext'),
    path: [...TEMPLATE_PATH, 'spec', 'securityContext'],
  };
  const ofContainers = countedContainers(template, TEMPLATE_PATH, counting).map((container) => ({
    owner: renderContainer(container),
    anchor: container.name,
    isOfPod: false,
    raw: container.raw['securityContext'],
    path: [...container.path, 'securityContext'],
  }));
  return [ofPod, ...ofContainers].flatMap((context) => {
    const raw = optionalObject(context.raw);
    return raw === undefined ? [] : [{ ...context, raw }];
  });
}
