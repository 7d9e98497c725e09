import { memo } from '../world/memo.ts';
import type { KubeObject } from '../world/object.ts';
import { asObject, dig } from '../world/read.ts';
import { BREAK_GLASS, isByHand, writersOf } from '../world/writers.ts';
import { isSameShare, scaled, shareOf, type Backend, type Kept, type Scale, type Share } from './shares.ts';
import type { StatusWeights } from './weights.ts';

/** Who wrote the stored weights last, as far as managedFields show it. */
export type LastWriter = 'requester' | 'controller' | 'unknown';

// The field manager of Argo Rollouts: the name of its program. Plugins are programs of other names.
const CONTROLLER = 'rollouts-controller';

/**
 * Returns who wrote a field of the spec, or an annotation, last. A client owns the field also if it sent another value and a keep replaced
 * it. So the requester counts only if nobody else owns the field, and only where {@link relationOf} agrees. It does not
 * count if it is a person at a terminal, or if the object was written under break-glass: what these write, they mean.
 *
 * @param field - The name of a field of the spec, or what {@link annotationField} returns.
 * @param manager - The field manager of the request; empty if the client names none.
 */
export function lastWriterOf(old: KubeObject | undefined, field: string, manager: string): LastWriter {
  const owner = old === undefined ? undefined : soleOwners(old).get(field);
  if (owner === undefined) return 'unknown';
  const isMeant = isByHand(manager) || dig(old?.metadata, 'annotations', BREAK_GLASS) !== undefined;
  if (owner === manager && manager !== '' && !isMeant) return 'requester';
  return owner === CONTROLLER ? 'controller' : 'unknown';
}

/** Returns the name that an annotation has as a field for {@link lastWriterOf}. No field of a spec has such a name. */
export function annotationField(key: string): string {
  return `annotation ${key}`;
}

// The fields of the spec and the annotations that one manager owns, once for all Rollouts of an object.
const soleOwners = memo((object: KubeObject): ReadonlyMap<string, string> => {
  const owners = new Map<string, string>();
  const several = new Set<string>();
  for (const { manager, fields } of writersOf(object)) {
    const inSpec = Object.keys(asObject(dig(fields, 'f:spec'))).map(withoutPrefix);
    const annotations = Object.keys(asObject(dig(fields, 'f:metadata', 'f:annotations'))).map(withoutPrefix);
    for (const field of [...inSpec, ...annotations.map(annotationField)]) {
      if ((owners.get(field) ?? manager) !== manager) several.add(field);
      owners.set(field, manager);
    }
  }
  for (const field of several) owners.delete(field);
  return owners;
});

function withoutPrefix(key: string): string {
  return key.replace(/^f:/, '');
}

/** How the stored weights of a rule relate to the status of the Rollout. */
export type Relation =
  /** The stored weights are those of the controller, or nothing shows that they are not. */
  | 'trusted'
  /** They differ from the status, and who wrote them is not known. */
  | 'doubtful'
  /** They differ from the status, and the requester has written them before and does again: Rollgate missed that. */
  | 'missed';

/**
 * Returns how the stored weights of a rule relate to the status. The status may be behind the controller's weights. So
 * the stored ones count as a write that Rollgate missed only if the same weights are submitted again: those of the
 * controller are not in a manifest. If another webhook changes the object, Rollgate is called again, and then those of
 * the status are submitted.
 *
 * @param isSubmitted - Reports whether one of the rules that the stored one may correspond to has weights, by their
 * {@link weightsText}.
 */
export function relationOf(
  stored: readonly Backend[],
  status: StatusWeights,
  scale: Scale,
  writer: LastWriter,
  isSubmitted: (weights: string) => boolean,
): Relation {
  const canary = stored.find(({ part }) => part === 'canary');
  if (canary === undefined || status.share === undefined || !stored.some(({ part }) => part === 'stable'))
    return 'trusted';
  const share = shareOf(stored, scale);
  // A plugin that ignores `maxTrafficWeight` writes the number of the status out of another total.
  if (canary.weight === status.share.canary || (share !== undefined && agrees(share, status.share))) return 'trusted';
  const isAgain = isSubmitted(weightsText(stored)) || isSubmitted(weightsText(restored(stored, status.share, scale)));
  if (writer === 'requester' && status.isCertain && isAgain) return 'missed';
  return writer === 'controller' ? 'trusted' : 'doubtful';
}

/** Returns a rule with the weights of the status. */
function restored(rule: readonly Backend[], share: Share, scale: Scale): readonly Backend[] {
  const { canary, total } = scaled(share, scale.totals[0]);
  const others = rule.flatMap(({ part, weight }) =>
    part === 'experiment' || part === 'additional' ? [weight ?? 0] : [],
  );
  const stable = Math.max(
    0,
    others.reduce((rest, weight) => rest - weight, total - canary),
  );
  return rule.map((backend) => {
    if (backend.part === 'canary') return { ...backend, weight: canary };
    return backend.part === 'stable' ? { ...backend, weight: stable } : backend;
  });
}

/** Returns a text that is the same for rules in which stable and canary have the same weights. */
export function weightsText(rule: readonly Backend[]): string {
  const weightsIn = (part: Backend['part']): (number | null)[] =>
    rule.filter((backend) => backend.part === part).map(({ weight }) => weight ?? null);
  return JSON.stringify([weightsIn('stable'), weightsIn('canary')]);
}

/** Returns a function that reports whether one of some rules has weights, by their {@link weightsText}. */
export function weightsAmong(rules: () => Iterable<readonly Backend[]>): (weights: string) => boolean {
  let texts: ReadonlySet<string> | undefined;
  return (weights) => (texts ??= new Set(Array.from(rules(), weightsText))).has(weights);
}

/** Reports whether the share in a stored rule is the one of the status. */
export function agrees(stored: Share, status: Share): boolean {
  return isSameShare(stored, status) || isSameShare(stored, scaled(status, stored.total));
}

/** Returns the words about the weights of a rule: `weights stable 80, canary 20 in http route "primary"`. */
export function describeWeights(
  { weights, experiments, source }: Kept,
  backends: readonly Backend[],
  status: StatusWeights,
  relation: Relation,
  route?: string,
): string {
  const of = (wanted: Backend['part']): string => {
    const index = backends.findIndex(({ part }) => part === wanted);
    return index < 0 ? '' : `${wanted} ${weights[index] ?? backends[index]?.weight ?? 0}`;
  };
  const listed = [of('stable'), of('canary'), ...[...experiments].map(([id, weight]) => `${id} ${weight}`)];
  const text = `weights ${listed.filter((part) => part !== '').join(', ')}${route === undefined ? '' : ` in ${route}`}`;
  if (relation === 'missed')
    return `${text} from the status: the stored ones are of an earlier write by the same client`;
  return relation === 'doubtful' && source === 'stored' && status.share !== undefined
    ? `${text}, as stored; the status of the Rollout has canary ${status.share.canary}`
    : text;
}
