import type { KubeObject } from '../../../src/world/object.ts';
import { PROFILE, type Scenario, type Tools } from './tools.ts';

const [D, R, NO] = ['Deployment', 'Rollout', 'refused'] as const;

async function isConverted(tools: Tools, name: string): Promise<void> {
  await tools.create(tools.manifest(name, PROFILE));
  await tools.converted(name);
}

async function isBack(tools: Tools, name: string): Promise<void> {
  await tools.convert(name, null);
  await tools.plain(name);
}

const HELM: readonly Scenario[] = [
  {
    title: 'helm upgrade to a chart that asks',
    before: D,
    expected: [NO, R, D, D],
    prepare: async (tools, name) => {
      await tools.upgraded(undefined, name, tools.manifest(name));
      await tools.plain(name);
    },
    act: (tools, name, user) => tools.upgraded(user, name, tools.manifest(name, PROFILE)),
  },
  {
    title: 'helm upgrade to another image',
    before: R,
    expected: [R, R, R, R],
    prepare: async (tools, name) => {
      await tools.upgraded(undefined, name, tools.manifest(name, PROFILE));
      await tools.converted(name);
    },
    act: (tools, name, user) => tools.upgraded(user, name, tools.manifest(name, PROFILE, 'web:2')),
  },
  {
    title: 'helm rollback to before the conversion',
    before: R,
    expected: [D, D, D, D],
    prepare: async (tools, name) => {
      await tools.upgraded(undefined, name, tools.manifest(name));
      await tools.upgraded(undefined, name, tools.manifest(name, PROFILE, 'web:2'));
      await tools.converted(name);
    },
    act: (tools, name, user) => tools.helm(user, ['rollback', name, '1']),
  },
  {
    title: 'helm rollback to the converted release',
    before: D,
    expected: [NO, R, D, D],
    prepare: async (tools, name) => {
      await tools.upgraded(undefined, name, tools.manifest(name, PROFILE));
      await tools.converted(name);
      await tools.upgraded(undefined, name, tools.manifest(name));
      await tools.plain(name);
    },
    act: (tools, name, user) => tools.helm(user, ['rollback', name, '1']),
  },
];

const UNDO: readonly Scenario[] = [
  {
    title: 'undo to a revision before the conversion',
    before: R,
    expected: [D, D, D, D],
    prepare: async (tools, name) => {
      await tools.create(tools.manifest(name));
      await tools.plain(name);
      await tools.image(name, 'web:2');
      await tools.plain(name);
      await tools.convert(name, PROFILE);
      await tools.converted(name);
    },
    act: (tools, name, user) => tools.kubectl(user, ['rollout', 'undo', `deployment/${name}`, '--to-revision=1']),
  },
  {
    title: 'undo to a converted revision while converted',
    before: R,
    expected: [R, R, R, R],
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      await tools.image(name, 'web:2');
      await tools.converted(name);
    },
    act: (tools, name, user) => tools.kubectl(user, ['rollout', 'undo', `deployment/${name}`]),
  },
  {
    title: 'undo to a converted revision after the way back',
    before: D,
    // Its annotations name a Rollout that does not exist any more.
    expected: [NO, R, NO, D],
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      await isBack(tools, name);
      await tools.image(name, 'web:2');
      await tools.plain(name);
    },
    act: (tools, name, user) => tools.kubectl(user, ['rollout', 'undo', `deployment/${name}`]),
  },
];

type Backup = readonly [KubeObject, KubeObject];

async function backup(tools: Tools, name: string): Promise<Backup> {
  await isConverted(tools, name);
  const saved: Backup = [await tools.exported('Deployment', name), await tools.exported('Rollout', name)];
  await tools.deleted(name);
  return saved;
}

const RESTORE: readonly Scenario[] = [
  {
    title: 'restore, the Deployment first',
    before: 'nobody',
    expected: [NO, R, NO, R],
    prepare: backup,
    act: (tools, _, user, saved) => tools.restored(user, saved as Backup),
  },
  {
    title: 'restore, the Rollout first',
    before: 'nobody',
    expected: [NO, R, NO, R],
    prepare: backup,
    act: (tools, _, user, saved) => tools.restored(user, [...(saved as Backup)].reverse()),
  },
  {
    title: 'restore of the Deployment alone',
    before: 'nobody',
    // The Rollout that it names was not restored.
    expected: [NO, R, NO, D],
    prepare: backup,
    act: (tools, _, user, saved) => tools.restored(user, [(saved as Backup)[0]]),
  },
];

/** The same backups, taken in another namespace. */
export function elsewhere(other: Tools): Scenario[] {
  return RESTORE.map((scenario) => ({
    ...scenario,
    title: `${scenario.title}, in another namespace`,
    prepare: async (tools, name) => {
      await isConverted(other, name);
      const { namespace } = tools.scene;
      const saved = [await other.exported('Deployment', name), await other.exported('Rollout', name)];
      return saved.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
    },
  }));
}

function replaces(title: string, rest: Omit<Scenario, 'title' | 'act'>): Scenario {
  return {
    ...rest,
    title: `replace of an export from ${title}`,
    act: (tools, _, user, saved) => tools.kubectl(user, ['replace', '-f', '-'], [saved as KubeObject]),
  };
}

/** Returns a Deployment as it was while it was converted and still had its own pods. */
function during(converted: KubeObject): KubeObject {
  return { ...converted, spec: { ...(converted['spec'] as object), replicas: 1 } };
}

const REPLACE: readonly Scenario[] = [
  replaces('before the conversion, converted and scaled to 2', {
    before: R,
    expected: [D, D, D, D],
    prepare: async (tools, name) => {
      await tools.create(tools.manifest(name));
      await tools.plain(name);
      const saved = await tools.exported('Deployment', name);
      await tools.convert(name, PROFILE);
      await tools.converted(name);
      await tools.patch(name, { spec: { replicas: 2 } });
      await tools.converted(name);
      return saved;
    },
  }),
  replaces('the middle of the conversion, converted', {
    before: R,
    expected: [R, R, R, R],
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      return during(await tools.exported('Deployment', name));
    },
  }),
  replaces('after the conversion, converted', {
    before: R,
    expected: [R, R, R, R],
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      return tools.exported('Deployment', name);
    },
  }),
  replaces('the middle of the conversion, plain again', {
    before: D,
    expected: [NO, R, NO, D],
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      const saved = during(await tools.exported('Deployment', name));
      await isBack(tools, name);
      return saved;
    },
  }),
  replaces('after the conversion, plain again', {
    before: D,
    expected: [NO, R, NO, D],
    gap: true,
    prepare: async (tools, name) => {
      await isConverted(tools, name);
      const saved = await tools.exported('Deployment', name);
      await isBack(tools, name);
      return saved;
    },
  }),
];

/** All scenarios of one namespace. */
export const SCENARIOS: readonly Scenario[] = [...HELM, ...UNDO, ...RESTORE, ...REPLACE];
