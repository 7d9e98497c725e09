import { renderRollout } from '../migration/render.ts';
import { DOCUMENT_RULES, documentFindings } from '../documents/index.ts';
import { PRESERVERS } from '../preserve/index.ts';
import type { PolicyCatalog } from '../policy/load.ts';
import type { Profile } from '../migration/profiles.ts';
import { evaluate } from '../rules/engine.ts';
import { renderFix, renderMessage, sortFindings } from '../rules/finding.ts';
import { RULES } from '../rules/index.ts';
import { RETIRED_RULES } from '../rules/retired.ts';
import { bundleWorld } from '../world/manifests.ts';
import { nearest } from '../world/nearest.ts';
import { isDnsSubdomain } from '../world/names.ts';
import type { KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { isObject } from '../world/read.ts';

// Any Deployment will do: what is wrong with a profile is wrong with every Rollout that it renders.
const SAMPLE: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'sample', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'sample' } },
    template: { metadata: { labels: { app: 'sample' } }, spec: { containers: [{ name: 'sample', image: 'sample' }] } },
  },
};
const PATTERNS = ['name', 'namespace'];
// By these Argo CD tells what belongs to an Application: it would prune a Rollout that has them and is not in Git.
const TRACKING = /^(argocd\.argoproj\.io\/|app\.kubernetes\.io\/instance$)/;

/** The ids that a policy may name, and how its profiles are tested. */
export const POLICY_CATALOG: PolicyCatalog = {
  rules: [...RULES, ...DOCUMENT_RULES].map(({ id }) => id),
  keeps: PRESERVERS.map(({ id }) => id),
  retiredRules: RETIRED_RULES,
  profileErrors,
};

/**
 * Returns why a profile renders no valid Rollout: what any rule calls invalid in that of a sample Deployment, unknown
 * fields and wrong types, and unknown patterns.
 */
function profileErrors(profile: Profile): string[] {
  const rollout = renderRollout(SAMPLE, profile, { replicas: 1 });
  const { name } = rollout.metadata;
  const keys = Object.keys({ ...profile.metadata.labels, ...profile.metadata.annotations }).filter((key) =>
    TRACKING.test(key),
  );
  return [
    ...(isDnsSubdomain(name)
      ? []
      : [`rollout: ${JSON.stringify(profile.rollout)} gives "${name}", which is not a valid name`]),
    ...keys.map(
      (key) =>
        `metadata: Argo CD uses ${key} to tell what belongs to an Application: remove it, since the Rollout is not in Git`,
    ),
    ...misspelt(profile),
    ...findingsIn(rollout),
  ];
}

function findingsIn(rollout: KubeObject): string[] {
  const source = { object: rollout, file: 'profile', document: 0, position: () => ({ line: 1, column: 1 }) };
  const documents = documentFindings({ objects: [source], errors: [], duplicateKeys: [] }, [source]).filter(
    ({ class: found, rule }) => found === 'invalid' || rule === 'unknown-field',
  );
  const rules = RULES.filter(({ lintOnly }) => !lintOnly);
  const across = evaluate(bundleWorld([SAMPLE, rollout]), [rollout], rules).findings.filter(
    ({ class: found }) => found === 'invalid',
  );
  return sortFindings([...documents, ...across]).map(
    (finding) => `${renderPath(finding.path)}: ${renderMessage(finding)}: ${renderFix(finding)}`,
  );
}

function misspelt(value: unknown): string[] {
  if (typeof value === 'string') {
    const words = [...value.matchAll(/(?<!\{)\{([a-zA-Z]+)\}(?!\})/g)].map(([, word = '']) => word);
    return words
      .filter((word) => !PATTERNS.includes(word) && nearest(word, PATTERNS) !== undefined)
      .map((word) => `unknown pattern {${word}}; did you mean {${nearest(word, PATTERNS) ?? ''}}?`);
  }
  if (Array.isArray(value)) return value.flatMap((entry: unknown) => misspelt(entry));
  return isObject(value) ? Object.values(value).flatMap(misspelt) : [];
}
