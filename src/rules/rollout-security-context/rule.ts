import { containersOf, ownContainerPlaces, ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import { isDnsSubdomain } from '../../world/names.ts';
import { asArray, asString, dig, optionalObject, stringMap, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { securityContextsOf, type SecurityContext } from './contexts.ts';
import { profileMistakes } from './profiles.ts';
import { fieldsOfOtherSystem, isWindowsUser } from './windows.ts';

const MAX_ID = 2 ** 31 - 1;
const IDS = ['runAsUser', 'runAsGroup', 'fsGroup'] as const;
const SYSTEMS: readonly string[] = ['linux', 'windows'];
const POLICIES = {
  procMount: ['Default', 'Unmasked'],
  fsGroupChangePolicy: ['Always', 'OnRootMismatch'],
  supplementalGroupsPolicy: ['Merge', 'Strict'],
  seLinuxChangePolicy: ['MountOption', 'Recursive'],
} as const;
const OF_PODS_ONLY = ['fsGroup', 'fsGroupChangePolicy', 'supplementalGroupsPolicy', 'seLinuxChangePolicy'];
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const MAX_SYSCTL = 253;
const MAX_CREDENTIAL_SPEC = 64 * 1024;
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';

const messages = {
  privilegedEscalation: {
    class: 'invalid',
    text: '{owner} cannot have both privileged: true and allowPrivilegeEscalation: false',
    fix: 'remove one of them: a privileged container can always escalate its privileges',
  },
  sysAdminEscalation: {
    class: 'invalid',
    text: '{owner} adds the capability CAP_SYS_ADMIN and has allowPrivilegeEscalation: false',
    fix: 'remove one of them',
  },
  id: {
    class: 'invalid',
    text: '{owner} has the invalid {field} {id}',
    fix: 'use 0 to 2147483647',
  },
  value: {
    class: 'invalid',
    text: '{owner} has the invalid {field} "{value}"',
    fix: 'use {allowed}, or remove the field',
  },
  unmasked: {
    class: 'invalid',
    text: '{owner} has procMount Unmasked, which needs hostUsers: false, but Argo Rollouts ignores that field',
    fix: 'remove procMount',
  },
  profile: {
    class: 'invalid',
    text: 'the {field} of {owner} {why}',
    fix: 'use type RuntimeDefault or Unconfined, or Localhost with a localhostProfile on the node',
  },
  appArmorAnnotation: {
    class: 'invalid',
    text: 'the pod template has an AppArmor annotation for "{container}", but no container of that name',
    fix: 'remove the annotation, or use securityContext.appArmorProfile',
  },
  sysctl: {
    class: 'invalid',
    text: 'the pod template has {sysctl}',
    fix: 'set each sysctl once, by its lower-case name, such as net.core.somaxconn',
  },
  otherSystem: {
    class: 'invalid',
    text: '{owner} cannot have {field} in a pod with os {system}',
    fix: 'remove {field}, or correct spec.template.spec.os',
  },
  hostProcess: {
    class: 'invalid',
    text: '{owner} is a HostProcess container, which needs hostNetwork: true, but Argo Rollouts ignores that field',
    fix: 'remove hostProcess: use a DaemonSet for HostProcess containers',
  },
  windowsOption: {
    class: 'invalid',
    text: '{owner} has the invalid windowsOptions.{field}',
    fix: '{what}',
  },
} as const;

type Context = RuleContext<typeof messages>;

export const rolloutSecurityContext = defineRule({
  id: 'rollout-security-context',
  summary: 'The security contexts of a pod template have valid values that go together.',
  explanation:
    'The API server does not check these fields in a Rollout. The controller marks the Rollout InvalidSpec if ' +
    'Kubernetes would reject a Pod with them. Before 1.10.1 the controller ignores `privileged: true`; the API server ' +
    'then rejects the ReplicaSet instead. The controller loses the fields hostUsers and hostNetwork before it checks ' +
    'the others. So it rejects what depends on them, which the API server would accept in a Pod. Source: Argo ' +
    'Rollouts v1.9.3 and v1.10.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, ' +
    'pkg/apis/core/validation (ValidateSecurityContext, validatePodSpecSecurityContext, validateWindows, ' +
    'validateLinux, validateWindowsHostProcessPod, ValidateAppArmorPodAnnotations), which it calls.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('securityContext'),
      'spec.template.metadata.annotations',
      'spec.template.spec.os.name',
      'spec.template.spec.securityContext',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined) return;
    const system = dig(template, 'spec', 'os', 'name');
    if (typeof system === 'string' && !SYSTEMS.includes(system))
      context.report('value', {
        path: [...TEMPLATE_PATH, 'spec', 'os', 'name'],
        anchor: 'os',
        data: { owner: 'the pod template', field: 'os', value: system, allowed: SYSTEMS.join(' or ') },
      });
    for (const one of securityContextsOf(template, context)) {
      checkValues(context, one);
      if (one.isOfPod) checkPod(context, one);
      else checkContainer(context, one);
      checkSystem(context, one, system);
      checkWindows(context, one);
    }
    checkAnnotations(context, template);
  },
});

function checkValues(context: Context, { owner, anchor, isOfPod, raw, path }: SecurityContext): void {
  const isHere = (field: string): boolean => isOfPod || !OF_PODS_ONLY.includes(field);
  const groups = isOfPod ? asArray(raw['supplementalGroups']) : [];
  const ids = [
    ...IDS.filter(isHere).map((field) => ({ field, at: [field], id: raw[field] })),
    ...groups.map((id, index) => ({ field: 'supplementalGroup', at: ['supplementalGroups', index], id })),
  ];
  for (const { field, at, id } of ids) {
    if (typeof id !== 'number' || (id >= 0 && id <= MAX_ID)) continue;
    context.report('id', { path: [...path, ...at], anchor: `${anchor} ${field}`, data: { owner, field, id } });
  }
  for (const [field, allowed] of Object.entries<readonly string[]>(POLICIES)) {
    const value = raw[field];
    if (typeof value !== 'string' || allowed.includes(value) || !(field === 'procMount' ? !isOfPod : isHere(field)))
      continue;
    const data = { owner, field, value, allowed: allowed.join(' or ') };
    context.report('value', { path: [...path, field], anchor: `${anchor} ${field}`, data });
  }
  for (const { field, part, why } of profileMistakes(raw))
    context.report('profile', {
      path: [...path, field, part],
      anchor: `${anchor} ${field}`,
      data: { owner, field, why },
    });
}

function checkPod(context: Context, { anchor, raw, path }: SecurityContext): void {
  const seen = new Set<string>();
  for (const [index, entry] of asArray(raw['sysctls']).entries()) {
    const name = dig(entry, 'name');
    // Without a name the API server rejects it.
    if (typeof name !== 'string') continue;
    const isValid = name.length <= MAX_SYSCTL && SYSCTL.test(name);
    if (!isValid || seen.has(name))
      context.report('sysctl', {
        path: [...path, 'sysctls', index, 'name'],
        anchor: `${anchor} ${name}`,
        data: { sysctl: isValid ? `the sysctl "${name}" twice` : `the invalid sysctl "${name}"` },
      });
    seen.add(name);
  }
}

function checkContainer(context: Context, { owner, anchor, raw, path }: SecurityContext): void {
  if (raw['procMount'] === 'Unmasked')
    context.report('unmasked', { path: [...path, 'procMount'], anchor, data: { owner } });
  if (raw['allowPrivilegeEscalation'] !== false) return;
  if (raw['privileged'] === true)
    context.report('privilegedEscalation', {
      path: [...path, 'allowPrivilegeEscalation'],
      anchor,
      data: { owner },
      versions: { since: 'privilegedIsValidated' },
    });
  // Kubernetes compares with this spelling only, although runtimes expect SYS_ADMIN.
  if (asArray(dig(raw, 'capabilities', 'add')).includes('CAP_SYS_ADMIN'))
    context.report('sysAdminEscalation', { path: [...path, 'allowPrivilegeEscalation'], anchor, data: { owner } });
}

function checkSystem(context: Context, one: SecurityContext, system: unknown): void {
  for (const field of fieldsOfOtherSystem(one, system))
    context.report('otherSystem', {
      path: [...one.path, field],
      anchor: `${one.anchor} ${field}`,
      data: { owner: one.owner, field, system: asString(system) },
      versions:
        field === 'privileged' && one.raw['privileged'] === true ? { since: 'privilegedIsValidated' } : undefined,
    });
}

function checkWindows(context: Context, { owner, anchor, raw, path }: SecurityContext): void {
  const options = optionalObject(raw['windowsOptions']);
  if (options === undefined) return;
  const at = [...path, 'windowsOptions'];
  if (options['hostProcess'] === true)
    context.report('hostProcess', { path: [...at, 'hostProcess'], anchor, data: { owner } });
  const user = options['runAsUserName'];
  const credential = options['gmsaCredentialSpecName'];
  const spec = options['gmsaCredentialSpec'];
  const mistakes = [
    typeof user === 'string' && !isWindowsUser(user)
      ? { field: 'runAsUserName', what: 'use a user name of Windows, optionally after its domain and one backslash' }
      : undefined,
    typeof credential === 'string' && !isDnsSubdomain(credential)
      ? { field: 'gmsaCredentialSpecName', what: 'use the name of a GMSACredentialSpec' }
      : undefined,
    typeof spec === 'string' && (spec === '' || Buffer.byteLength(spec) > MAX_CREDENTIAL_SPEC)
      ? { field: 'gmsaCredentialSpec', what: 'use 1 to 65536 bytes, or remove the field' }
      : undefined,
  ].filter((mistake) => mistake !== undefined);
  for (const { field, what } of mistakes)
    context.report('windowsOption', {
      path: [...at, field],
      anchor: `${anchor} ${field}`,
      data: { owner, field, what },
    });
}

function checkAnnotations(context: Context, template: JsonObject): void {
  const named = new Set(containersOf(template, TEMPLATE_PATH).map(({ raw }) => raw['name']));
  for (const key of stringMap(dig(template, 'metadata', 'annotations')).keys()) {
    if (!key.startsWith(APP_ARMOR) || named.has(key.slice(APP_ARMOR.length))) continue;
    const container = key.slice(APP_ARMOR.length);
    context.report('appArmorAnnotation', {
      path: [...TEMPLATE_PATH, 'metadata', 'annotations', key],
      anchor: container,
      data: { container },
    });
  }
}
