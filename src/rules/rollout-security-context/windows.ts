import { asArray, asString } from '../../world/read.ts';
import type { SecurityContext } from './contexts.ts';

// The fields that mean nothing on Windows. The controller reads empty lists as absent, but not empty objects.
const OF_LINUX_PODS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const OF_LINUX_CONTAINERS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** Returns the fields of a security context that the pods of an operating system cannot have. */
export function fieldsOfOtherSystem({ isOfPod, raw }: SecurityContext, system: unknown): string[] {
  if (system === 'linux') return isPresent(raw['windowsOptions']) ? ['windowsOptions'] : [];
  if (system !== 'windows') return [];
  return (isOfPod ? OF_LINUX_PODS : OF_LINUX_CONTAINERS).filter((field) => isPresent(raw[field]));
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && asArray(value).length === 0);
}

const MAX_USER = 104;
const MAX_DOMAIN = 255;
const CONTROL = /[\u0000-\u001f\u007f]/;
const NOT_IN_USERS = /["/\\:;|=,+*?<>@[\]]/;
const ONLY_DOTS_AND_SPACES = /^[. ]+$/;
const NETBIOS_DOMAIN = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/u;
const DNS_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const DNS_DOMAIN = new RegExp(`^${DNS_LABEL}(?:\\.${DNS_LABEL})*$`);

/**
 * Reports whether a text can be the `runAsUserName` of a Windows container: `user` or `domain\user`. Source:
 * `k8s.io/kubernetes` v1.34, `pkg/apis/core/validation` (`validateWindowsSecurityContextOptions`).
 */
export function isWindowsUser(name: string): boolean {
  const parts = name.split('\\');
  if (CONTROL.test(name) || parts.length > 2) return false;
  const user = asString(parts.at(-1));
  if (user === '' || Buffer.byteLength(user) > MAX_USER || ONLY_DOTS_AND_SPACES.test(user) || NOT_IN_USERS.test(user))
    return false;
  const domain = parts.length === 2 ? asString(parts[0]) : undefined;
  if (domain === undefined) return true;
  return Buffer.byteLength(domain) <= MAX_DOMAIN && (NETBIOS_DOMAIN.test(domain) || DNS_DOMAIN.test(domain));
}
