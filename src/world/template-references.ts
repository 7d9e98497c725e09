import type { Path } from './path.ts';
import { asArray, dig } from './read.ts';
import { addReference } from './reference-list.ts';
import type { Reference } from './reference-list.ts';

/**
 * Returns the references of a `templates` list to templates.
 * @param holder - An analysis of a Rollout, or the spec of a template.
 */
export function templateReferences(holder: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  addTemplateReferences(list, holder, path, namespace);
  return list;
}

/** Adds the same references to a list. */
export function addTemplateReferences(list: Reference[], holder: unknown, path: Path, namespace: string): void {
  for (const [index, entry] of asArray(dig(holder, 'templates')).entries()) {
    const kind =
      dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    addReference(list, dig(entry, 'templateName'), {
      kind,
      namespace,
      role: 'template',
      path: [...path, 'templates', index, 'templateName'],
    });
  }
}

/** Adds the references of an `analyses` list of an experiment to templates to a list. */
export function addAnalysesReferences(list: Reference[], analyses: unknown, path: Path, namespace: string): void {
  for (const [index, entry] of asArray(analyses).entries()) {
    const kind =
      dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    addReference(list, dig(entry, 'templateName'), {
      kind,
      namespace,
      role: 'template',
      path: [...path, index, 'templateName'],
    });
  }
}
