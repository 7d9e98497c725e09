import { asString, dig, optionalObject, type JsonObject } from '../../world/read.ts';

const TYPES: readonly string[] = ['Localhost', 'RuntimeDefault', 'Unconfined'];
// What Go's strings.TrimSpace removes.
const PADDED = /^(?!\ufeff)[\s\u0085]|(?!\ufeff)[\s\u0085]$/;
const MAX_LOCALHOST_PROFILE = 4095;

/** What is wrong with the profile in a field of a security context, and where. */
export interface ProfileMistake {
  readonly field: 'seccompProfile' | 'appArmorProfile';
  readonly part: 'type' | 'localhostProfile';
  /** What is wrong, as the end of a sentence about the profile. */
  readonly why: string;
}

/**
 * Returns what is wrong with the seccomp and AppArmor profiles of a security context. Source: `k8s.io/kubernetes` v1.34,
 * `pkg/apis/core/validation` (`validateSeccompProfileField`, `ValidateAppArmorProfileField`).
 */
export function profileMistakes(context: JsonObject): ProfileMistake[] {
  return (['seccompProfile', 'appArmorProfile'] as const).flatMap((field): ProfileMistake[] => {
    const profile = optionalObject(context[field]);
    const type = dig(profile, 'type');
    // Without a type the API server rejects it.
    if (typeof type !== 'string') return [];
    if (!TYPES.includes(type)) return [{ field, part: 'type', why: `has the invalid type "${type}"` }];
    const why = localhostMistake(field, type, dig(profile, 'localhostProfile'));
    return why === undefined ? [] : [{ field, part: 'localhostProfile', why }];
  });
}

function localhostMistake(field: ProfileMistake['field'], type: string, value: unknown): string | undefined {
  const isSet = typeof value === 'string';
  if (type !== 'Localhost') return isSet ? 'has a localhostProfile, which only type Localhost has' : undefined;
  if (!isSet) return 'has the type Localhost, but no localhostProfile';
  const path = asString(value);
  if (field === 'seccompProfile')
    return path.startsWith('/') || path.split('/').includes('..')
      ? 'has a localhostProfile that is not a relative path'
      : undefined;
  if (path === '') return 'has the type Localhost, but no localhostProfile';
  if (PADDED.test(path)) return 'has spaces around its localhostProfile';
  return Buffer.byteLength(path) > MAX_LOCALHOST_PROFILE
    ? `has a localhostProfile of more than ${MAX_LOCALHOST_PROFILE} bytes`
    : undefined;
}
