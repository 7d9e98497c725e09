import {
  countedContainers,
  ownContainerPlaces,
  ownTemplate,
  renderContainer,
  TEMPLATE_PATH,
} from '../../world/containers.ts';
import { isDnsLabel } from '../../world/names.ts';
import { nearest } from '../../world/nearest.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

// Each hint compares a name with all volumes.
const MAX_HINTS = 20;
const PROPAGATIONS: ReadonlySet<string> = new Set(['None', 'HostToContainer', 'Bidirectional']);
const RECURSIVE_READ_ONLY: ReadonlySet<string> = new Set(['IfPossible', 'Enabled']);

const messages = {
  noVolume: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}", which is not declared in the pod template{has}',
    fix: 'add it to spec.template.spec.volumes, or mount a volume that is declared there',
  },
  samePath: {
    class: 'invalid',
    text: '{container} has two volume mounts at {mountPath}',
    fix: 'change the mountPath of one of them',
  },
  noPath: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" without a mountPath',
    fix: 'set mountPath',
  },
  subPath: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" with {field} "{subPath}"{why}',
    fix: 'use a relative path without "..", in either subPath or subPathExpr',
  },
  propagation: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" with the invalid mountPropagation "{propagation}"',
    fix: 'use None, HostToContainer or, in a privileged container, Bidirectional',
  },
  bidirectional: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" with mountPropagation Bidirectional, but is not privileged',
    fix: 'use HostToContainer, or make the container privileged (Argo Rollouts 1.10.1 and later)',
  },
  privilegedBidirectional: {
    class: 'invalid',
    text: '{container} cannot mount volume "{volume}" with mountPropagation Bidirectional, although it is privileged',
    fix: 'use HostToContainer, or Argo Rollouts 1.10.1 or later',
  },
  recursiveReadOnlyValue: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" with the invalid recursiveReadOnly "{value}"',
    fix: 'use Disabled, IfPossible or Enabled',
  },
  recursiveReadOnly: {
    class: 'invalid',
    text: '{container} mounts volume "{volume}" with recursiveReadOnly {value}{why}',
    fix: 'set readOnly: true without a mountPropagation, or remove recursiveReadOnly',
  },
  name: {
    class: 'invalid',
    text: 'a volume {named}',
    fix: 'use 1 to 63 characters of a-z, 0-9 and "-", starting and ending with a letter or digit',
  },
  duplicate: {
    class: 'invalid',
    text: 'two volumes are named "{volume}"',
    fix: 'give each volume its own name, and mount it by that name',
  },
} as const;

export const rolloutVolumes = defineRule({
  id: 'rollout-volumes',
  summary: 'Every volume mount of a pod template has a volume, and every volume has a unique name.',
  explanation:
    'The API server stores a Rollout whose containers mount a volume that does not exist. The controller then ' +
    'marks the Rollout InvalidSpec. The same happens for two volumes with the same name, and for two mounts at ' +
    'the same path. Releases before 1.10.1 ignore `privileged: true`, so they reject every Bidirectional mount. ' +
    'Source: Argo Rollouts v1.9.3 and v1.10.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and ' +
    'Kubernetes v1.34, pkg/apis/core/validation (ValidateVolumes, ValidateVolumeMounts, ' +
    'validateLocalDescendingPath, validateMountPropagation, validateMountRecursiveReadOnly), which it calls.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('volumeMounts', 'securityContext.privileged'),
      'spec.template.spec.volumes[*].name',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined) return;
    const volumes = new Set<string>();
    const written = asArray(dig(template, 'spec', 'volumes'));
    context.spend(written.length);
    for (const [index, entry] of written.entries()) {
      const volume = asString(dig(entry, 'name'));
      const location = {
        path: [...TEMPLATE_PATH, 'spec', 'volumes', index, 'name'],
        anchor: volume,
        data: { volume, named: volume === '' ? 'has no name' : `has the invalid name "${volume}"` },
      };
      if (!isDnsLabel(volume)) context.report('name', location);
      else if (volumes.has(volume)) context.report('duplicate', location);
      volumes.add(volume);
    }

    let hints = MAX_HINTS;
    for (const container of countedContainers(template, TEMPLATE_PATH, context)) {
      const paths = new Set<string>();
      const mounts = asArray(container.raw['volumeMounts']);
      context.spend(mounts.length);
      for (const [index, mount] of mounts.entries()) {
        const at = [...container.path, 'volumeMounts', index];
        const volume = asString(dig(mount, 'name'));
        const mountPath = asString(dig(mount, 'mountPath'));
        const data = { container: renderContainer(container), volume };
        checkMount(context, mount, {
          path: at,
          anchor: container.name,
          isPrivileged: dig(container.raw, 'securityContext', 'privileged') === true,
          data,
        });
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
  readonly isPrivileged: boolean;
  readonly data: { readonly container: string; readonly volume: string };
}

function checkMount(context: RuleContext<typeof messages>, mount: unknown, at: Mount): void {
  const { path, anchor, data } = at;
  for (const field of ['subPath', 'subPathExpr']) {
    const subPath = asString(dig(mount, field));
    const both = field === 'subPathExpr' && subPath !== '' && asString(dig(mount, 'subPath')) !== '';
    if (isWithin(subPath) && !both) continue;
    context.report('subPath', {
      path: [...path, field],
      anchor: `${anchor} ${subPath}`,
      data: {
        ...data,
        field,
        subPath,
        why: both ? ' in addition to subPath' : ', which is not a path inside the volume',
      },
    });
  }
  checkPropagation(context, mount, at);
  checkRecursiveReadOnly(context, mount, at);
}

function checkPropagation(context: RuleContext<typeof messages>, mount: unknown, at: Mount): void {
  const propagation = dig(mount, 'mountPropagation');
  if (typeof propagation !== 'string') return;
  const location = {
    path: [...at.path, 'mountPropagation'],
    anchor: `${at.anchor} ${at.data.volume}`,
    data: { ...at.data, propagation },
  };
  if (!PROPAGATIONS.has(propagation)) context.report('propagation', location);
  else if (propagation !== 'Bidirectional') return;
  else if (!at.isPrivileged) context.report('bidirectional', location);
  else context.report('privilegedBidirectional', { ...location, versions: { before: 'privilegedIsValidated' } });
}

function checkRecursiveReadOnly(context: RuleContext<typeof messages>, mount: unknown, at: Mount): void {
  const value = dig(mount, 'recursiveReadOnly');
  if (typeof value !== 'string' || value === 'Disabled') return;
  const location = { path: [...at.path, 'recursiveReadOnly'], anchor: `${at.anchor} ${at.data.volume}` };
  if (!RECURSIVE_READ_ONLY.has(value)) {
    context.report('recursiveReadOnlyValue', { ...location, data: { ...at.data, value } });
    return;
  }
  const why = whyNotRecursive(mount);
  if (why !== undefined) context.report('recursiveReadOnly', { ...location, data: { ...at.data, value, why } });
}

function whyNotRecursive(mount: unknown): string | undefined {
  if (dig(mount, 'readOnly') !== true) return ', but without readOnly: true';
  const propagation = dig(mount, 'mountPropagation');
  return typeof propagation === 'string' && propagation !== 'None' ? ` and mountPropagation ${propagation}` : undefined;
}

function isWithin(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}
