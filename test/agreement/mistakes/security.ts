import type { Fields, Json } from '../draw.ts';
import { at, CONTAINER, POD, type Mistake } from './mistake.ts';

const POD_CONTEXT = `${POD}/securityContext+`;
const CONTEXT = `${CONTAINER}/securityContext+`;

/** Mistakes in the security contexts of pods and containers, and in what depends on them. */
export const SECURITY: readonly Mistake[] = [
  at(
    'Rollout',
    POD_CONTEXT,
    { runAsUser: -1 },
    { runAsUser: 0 },
    { runAsGroup: 2147483648 },
    { fsGroup: -5 },
    { supplementalGroups: [1, -1] },
    { fsGroupChangePolicy: 'always' },
    { supplementalGroupsPolicy: 'Strict' },
    { supplementalGroupsPolicy: '' },
    { seLinuxChangePolicy: 'Mount' },
  ),
  at(
    'Rollout',
    POD_CONTEXT,
    { seccompProfile: { type: 'Localhost' } },
    { seccompProfile: { type: 'localhost' } },
    { seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' } },
    { appArmorProfile: { type: 'Localhost', localhostProfile: ' a' } },
    { appArmorProfile: { type: 'Unconfined' } },
    { sysctls: [{ name: 'Net.Core', value: '1' }] },
    {
      sysctls: [
        { name: 'net.a', value: '1' },
        { name: 'net.a', value: '2' },
      ],
    },
    { sysctls: [{ name: 'net/a', value: '1' }] },
  ),
  at(
    'Rollout',
    POD_CONTEXT,
    { windowsOptions: { runAsUserName: '' } },
    { windowsOptions: { runAsUserName: 'a\\b\\c' } },
    { windowsOptions: { runAsUserName: 'NT AUTHORITY\\SYSTEM' } },
    { windowsOptions: { gmsaCredentialSpecName: 'A b' } },
    { windowsOptions: { hostProcess: true } },
    { windowsOptions: { hostProcess: false } },
  ),
  at(
    'Rollout',
    CONTEXT,
    { runAsUser: -1 },
    { procMount: 'Unmasked' },
    { procMount: 'Default' },
    { procMount: 'unmasked' },
    { seccompProfile: { type: 'Localhost', localhostProfile: '../a' } },
    { appArmorProfile: { type: 'RuntimeDefault', localhostProfile: 'a' } },
    { allowPrivilegeEscalation: false, capabilities: { add: ['CAP_SYS_ADMIN'] } },
    { allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } },
    { windowsOptions: { runAsUserName: 'a/b' } },
    { privileged: true, allowPrivilegeEscalation: false },
    { privileged: true },
  ),
  at(
    'Rollout',
    `${POD}/initContainers/*/securityContext+`,
    { privileged: true, allowPrivilegeEscalation: false },
    { privileged: true },
    { allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } },
    { runAsUser: -1 },
    { windowsOptions: { hostProcess: true } },
  ),
  at('Rollout', `${POD}/os+`, { name: 'windows' }, { name: 'linux' }, { name: 'Linux' }),
  at(
    'Rollout',
    POD,
    (old) => ({ ...(old as Fields), os: { name: 'windows' }, securityContext: { fsGroup: 1 } }),
    (old) => ({ ...(old as Fields), os: { name: 'linux' }, securityContext: { windowsOptions: {} } }),
  ),
  at(
    'Rollout',
    'spec/template/metadata/annotations',
    { 'container.apparmor.security.beta.kubernetes.io/gone': 'runtime/default' },
    { 'container.apparmor.security.beta.kubernetes.io/web': 'runtime/default' },
  ),
  at(
    'Rollout',
    CONTAINER,
    (old) => withMounts(old, { mountPropagation: 'Bidirectional' }, {}),
    (old) => withMounts(old, { mountPropagation: 'Bidirectional' }, { privileged: true }),
    (old) => withMounts(old, { mountPropagation: 'HostToContainer', readOnly: true, recursiveReadOnly: 'Enabled' }, {}),
  ),
  at('Rollout', `${CONTAINER}/volumeMounts/*/recursiveReadOnly+`, 'Enabled', 'enabled', 'IfPossible', 'Disabled'),
];

function withMounts(old: Json | undefined, fields: Fields, securityContext: Fields): Json {
  const container = old as Fields;
  const mounts = Array.isArray(container['volumeMounts']) ? container['volumeMounts'] : [];
  return {
    ...container,
    securityContext,
    volumeMounts: mounts.map((mount) => ({ ...(mount as Fields), ...fields })),
  };
}
