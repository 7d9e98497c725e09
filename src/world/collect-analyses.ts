import { fieldValue } from './field-path.ts';
import { kindOf, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, asObject, asString, dig, isObject, type JsonObject } from './read.ts';
import { blueGreenOf, canaryOf } from './rollout.ts';

/**
 * When an analysis runs: in the background during the steps, as a step, before or after the switch of a blue-green
 * update, or as part of an experiment.
 */
export type AnalysisRole = 'background' | 'step' | 'prePromotion' | 'postPromotion' | 'experiment';

/** A template that an analysis, or another template, refers to. */
export interface TemplateRef {
  readonly kind: 'AnalysisTemplate.argoproj.io' | 'ClusterAnalysisTemplate.argoproj.io';
  readonly name: string;
  /** The path of the name. */
  readonly path: Path;
}

/** An argument that a Rollout or Experiment supplies to an analysis. */
export interface SuppliedArg {
  readonly name: string;
  /** Its value; undefined if only the controller will know it. */
  readonly value: string | undefined;
  /** Whether the run gets the argument: an Experiment passes values on and drops `valueFrom`. */
  readonly passedOn: boolean;
  readonly raw: JsonObject;
  readonly path: Path;
}

/** A rule of `dryRun` or `measurementRetention`: the regular expression for names of metrics. */
export interface NameRule {
  readonly pattern: string;
  readonly path: Path;
}

/** An analysis in a Rollout or Experiment. */
export interface Analysis {
  readonly role: AnalysisRole;
  /** Its name in messages. */
  readonly title: string;
  /** Identifies the analysis across changes: its role and the names of its templates, without an index. */
  readonly anchor: string;
  readonly path: Path;
  readonly templates: readonly TemplateRef[];
  /** The path of the list of templates. */
  readonly templatesPath: Path;
  readonly args: readonly SuppliedArg[];
  /** The path of the arguments or, if there are none, of the analysis. */
  readonly argsPath: Path;
  readonly dryRun: readonly NameRule[];
  readonly measurementRetention: readonly NameRule[];
  /** Whether an experiment ends only when this analysis has. */
  readonly requiredForCompletion: boolean;
  /** The experiment that it is part of, as written. */
  readonly experiment: JsonObject | undefined;
}

/** Returns the analyses of a Rollout or an Experiment; see `analysesOf`. */
export function collectAnalyses(holder: KubeObject): readonly Analysis[] {
  switch (kindOf(holder)) {
    case 'Rollout.argoproj.io':
      return blueGreenOf(holder) === undefined ? canaryAnalyses(holder) : blueGreenAnalyses(holder);
    case 'Experiment.argoproj.io':
      return addExperimentAnalyses([], asObject(holder['spec']), ['spec'], undefined);
    default:
      return [];
  }
}

/** Visits each analysis of a Rollout or an Experiment, as written, in the order of `collectAnalyses`. */
export function visitAnalyses(holder: KubeObject, visit: (analysis: JsonObject) => void): void {
  const visitOne = (raw: unknown): void => {
    if (isObject(raw)) visit(raw);
  };
  const visitExperiment = (experiment: unknown): void => asArray(dig(experiment, 'analyses')).forEach(visitOne);
  const kind = kindOf(holder);
  if (kind === 'Experiment.argoproj.io') visitExperiment(holder['spec']);
  if (kind !== 'Rollout.argoproj.io') return;
  const blueGreen = blueGreenOf(holder);
  if (blueGreen !== undefined) {
    visitOne(blueGreen['prePromotionAnalysis']);
    visitOne(blueGreen['postPromotionAnalysis']);
    return;
  }
  const canary = asObject(canaryOf(holder));
  visitOne(canary['analysis']);
  for (const step of asArray(canary['steps'])) {
    visitOne(dig(step, 'analysis'));
    visitExperiment(dig(step, 'experiment'));
  }
}

function canaryAnalyses(rollout: KubeObject): Analysis[] {
  const canary = asObject(canaryOf(rollout));
  const path = ['spec', 'strategy', 'canary'];
  const analyses: Analysis[] = [];
  if (isObject(canary['analysis']))
    analyses.push(inline(rollout, canary['analysis'], [...path, 'analysis'], 'background', 'the background analysis'));
  for (const [index, step] of asArray(canary['steps']).entries()) {
    const [analysis, experiment] = [dig(step, 'analysis'), dig(step, 'experiment')];
    if (isObject(analysis))
      analyses.push(inline(rollout, analysis, [...path, 'steps', index, 'analysis'], 'step', 'the analysis step'));
    if (isObject(experiment))
      addExperimentAnalyses(analyses, experiment, [...path, 'steps', index, 'experiment'], rollout);
  }
  return analyses;
}

function blueGreenAnalyses(rollout: KubeObject): Analysis[] {
  const blueGreen = asObject(blueGreenOf(rollout));
  const path = ['spec', 'strategy', 'blueGreen'];
  const of = (field: string, role: AnalysisRole, title: string): Analysis[] => {
    const raw = blueGreen[field];
    return isObject(raw) ? [inline(rollout, raw, [...path, field], role, title)] : [];
  };
  return [
    ...of('prePromotionAnalysis', 'prePromotion', 'the pre-promotion analysis'),
    ...of('postPromotionAnalysis', 'postPromotion', 'the post-promotion analysis'),
  ];
}

function inline(rollout: KubeObject, raw: JsonObject, path: Path, role: AnalysisRole, title: string): Analysis {
  const templates = templateRefsOf(raw, path);
  return {
    role,
    title,
    anchor: [role, ...templates.map(({ name }) => name).sort()].join(' '),
    path,
    templates,
    templatesPath: [...path, 'templates'],
    args: suppliedArgs(raw, path, role, rollout),
    argsPath: argsPath(raw, path),
    dryRun: nameRules(raw, path, 'dryRun'),
    measurementRetention: nameRules(raw, path, 'measurementRetention'),
    requiredForCompletion: false,
    experiment: undefined,
  };
}

// The rules of an experiment apply to each of its analyses, and a Rollout passes only `dryRun` to the Experiment that
// it creates.
function addExperimentAnalyses(
  analyses: Analysis[],
  experiment: JsonObject,
  path: Path,
  rollout: KubeObject | undefined,
): Analysis[] {
  const dryRun = nameRules(experiment, path, 'dryRun');
  const measurementRetention = rollout !== undefined ? [] : nameRules(experiment, path, 'measurementRetention');
  for (const [index, raw] of asArray(experiment['analyses']).entries()) {
    if (!isObject(raw)) continue;
    const at = [...path, 'analyses', index];
    const name = asString(raw['name']);
    const template = templateRef(raw, at);
    analyses.push({
      role: 'experiment',
      title: `the experiment's analysis "${name}"`,
      anchor: `experiment ${name} ${template.name}`,
      path: at,
      templates: [template],
      templatesPath: template.path,
      args: suppliedArgs(raw, at, 'experiment', rollout),
      argsPath: argsPath(raw, at),
      dryRun,
      measurementRetention,
      requiredForCompletion: raw['requiredForCompletion'] === true,
      experiment,
    });
  }
  return analyses;
}

function suppliedArgs(
  holder: JsonObject,
  path: Path,
  role: AnalysisRole,
  rollout: KubeObject | undefined,
): SuppliedArg[] {
  return asArray(holder['args']).map((entry, index): SuppliedArg => {
    const raw = asObject(entry);
    const value = rollout !== undefined ? rolloutValue(raw, rollout) : optionalValue(raw['value']);
    return {
      name: asString(raw['name']),
      // An experiment fills in placeholders of its own.
      value: role === 'experiment' && value?.includes('{{') === true ? undefined : value,
      passedOn: rollout !== undefined || present(raw['value']),
      raw,
      path: [...path, 'args', index],
    };
  });
}

function argsPath(holder: JsonObject, path: Path): Path {
  return Array.isArray(holder['args']) ? [...path, 'args'] : path;
}

// In a Rollout, an argument with neither value nor source is supplied as the empty string (Argo Rollouts v1.9.1,
// `BuildArgumentsForRolloutAnalysisRun`).
function rolloutValue(arg: JsonObject, rollout: KubeObject): string | undefined {
  const from = asObject(arg['valueFrom']);
  if (present(from['podTemplateHashValue'])) return undefined;
  if (present(from['fieldRef'])) return fieldValue(rollout, asString(dig(from, 'fieldRef', 'fieldPath')));
  return present(arg['value']) ? optionalValue(arg['value']) : '';
}

/** Returns the rules for dry runs, or for the retention of measurements, of an object and its path. */
export function nameRules(holder: JsonObject, path: Path, field: 'dryRun' | 'measurementRetention'): NameRule[] {
  return asArray(holder[field]).map((entry, index) => ({
    pattern: asString(dig(entry, 'metricName')),
    path: [...path, field, index, 'metricName'],
  }));
}

/**
 * Returns the templates in a `templates` list, in order.
 * @param holder - An analysis, or the spec of a template.
 */
export function templateRefsOf(holder: JsonObject, path: Path): readonly TemplateRef[] {
  return asArray(holder['templates']).map((entry, index) => templateRef(entry, [...path, 'templates', index]));
}

function templateRef(entry: unknown, path: Path): TemplateRef {
  return {
    kind: dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io',
    name: asString(dig(entry, 'templateName')),
    path: [...path, 'templateName'],
  };
}

/**
 * Returns the value of an argument, or undefined. The API server rejects a value of another type than Go expects; here
 * it only counts as present.
 */
export function optionalValue(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Reports whether a value is set. */
export function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}
