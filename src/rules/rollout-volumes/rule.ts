import { containersOf, ownTemplate, renderContainer, TEMPLATE_PATH } from '../../world/containers.ts';
import { isDnsLabel } from '../../world/names.ts';
import { nearest } from '../../world/nearest.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

// Each takes a look at all volumes.
const MAX_HINTS = 20;
const PROPAGATIONS: ReadonlySet<string> = new Set(['None', 'HostToContainer', 'Bidirectional']);

const messages = {
  noVolume: {
    class: 'invalid',
    text: '{container} mounts the volume "{volume}", which the pod template does not have{has}',
    fix: 'add it to spec.template.spec.volumes, or mount one that is there',
  },
  samePath: {
    class: 'invalid',
    text: '{container} has two volume mounts at {mountPath}',
    fix: 'mount one of them elsewhere',
  },
  noPath: {
    class: 'invalid',
    text: '{container} mounts the volume "{volume}" without a mountPath',
    fix: 'say in mountPath where',
  },
  subPath: {
    class: 'invalid',
    text: '{container} mounts {field} "{subPath}" of the volume "{volume}"{why}',
    fix: 'write a path within the volume, in one of subPath and subPathExpr, without ".."',
  },
  propagation: {
    class: 'invalid',
    text: '{container} mounts the volume "{volume}" with the mountPropagation "{propagation}"',
    fix: 'write None, HostToContainer or, in a privileged container, Bidirectional',
  },
  name: {
    class: 'invalid',
    text: 'a volume {named}',
    fix: 'use one to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
  },
  duplicate: {
    class: 'invalid',
    text: 'two volumes are named "{volume}"',
    fix: 'give each its own name, and mount it by that',
  },
} as const;

export const rolloutVolumes = defineRule({
  id: 'rollout-volumes',
  summary: 'Every volume mount of a pod template has its volume, and every volume a name of its own.',
  explanation:
    'The API server stores a Rollout whose containers mount a volume that is not there; the controller then marks it InvalidSpec. The same goes for volumes of one name and for two mounts at one path. ' +
    'Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation (ValidateVolumes, ValidateVolumeMounts, validateLocalDescendingPath, validateMountPropagation), which it calls.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined) return;
    const volumes = new Set<string>();
    for (const [index, entry] of asArray(dig(template, 'spec', 'volumes')).entries()) {
      const volume = asString(dig(entry, 'name'));
      const location = {
        path: [...TEMPLATE_PATH, 'spec', 'volumes', index, 'name'],
        anchor: volume,
        data: { volume, named: volume === '' ? 'has no name' : `is named "${volume}"` },
      };
      if (!isDnsLabel(volume)) context.report('name', location);
      else if (volumes.has(volume)) context.report('duplicate', location);
      volumes.add(volume);
    }

    let hints = MAX_HINTS;
    for (const container of containersOf(template, TEMPLATE_PATH)) {
      const paths = new Set<string>();
      for (const [index, mount] of asArray(container.raw['volumeMounts']).entries()) {
        const at = [...container.path, 'volumeMounts', index];
        const volume = asString(dig(mount, 'name'));
        const mountPath = asString(dig(mount, 'mountPath'));
        const data = { container: renderContainer(container), volume };
        judgeMount(context, mount, { path: at, anchor: container.name, data });
        if (!volumes.has(volume)) {
          const meant = hints-- > 0 ? nearest(volume, volumes) : undefined;
          const has = meant === undefined ? '' : ` (it has "${meant}")`;
          context.report('noVolume', {
            path: [...at, 'name'],
            anchor: `${container.name} ${volume}`,
            data: { ...data, has },
          });
        }
        if (mountPath === '')
          context.report('noPath', { path: [...at, 'mountPath'], anchor: `${container.name} ${volume}`, data });
        else if (paths.has(mountPath))
          context.report('samePath', {
            path: [...at, 'mountPath'],
            anchor: `${container.name} ${mountPath}`,
            data: { ...data, mountPath },
          });
        paths.add(mountPath);
      }
    }
  },
});

interface Mount {
  readonly path: Path;
  /** The name of its container. */
  readonly anchor: string;
  readonly data: { readonly container: string; readonly volume: string };
}

function judgeMount(context: RuleContext<typeof messages>, mount: unknown, { path, anchor, data }: Mount): void {
  for (const field of ['subPath', 'subPathExpr']) {
    const subPath = asString(dig(mount, field));
    const both = field === 'subPathExpr' && subPath !== '' && asString(dig(mount, 'subPath')) !== '';
    if (isWithin(subPath) && !both) continue;
    context.report('subPath', {
      path: [...path, field],
      anchor: `${anchor} ${subPath}`,
      data: { ...data, field, subPath, why: both ? ' besides a subPath' : '' },
    });
  }
  const propagation = dig(mount, 'mountPropagation');
  if (typeof propagation !== 'string' || PROPAGATIONS.has(propagation)) return;
  context.report('propagation', {
    path: [...path, 'mountPropagation'],
    anchor: `${anchor} ${data.volume}`,
    data: { ...data, propagation },
  });
}

function isWithin(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}
