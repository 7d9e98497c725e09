import type { ReportedFinding } from '../report/model.ts';
import type { NoteLine, StageRow } from '../report/timeline/table.ts';
import type { ExperimentTemplate, StagePods, Traffic } from '../timeline/stage.ts';

/** What the page asks to be judged. Plain JSON. */
export interface Question {
  /** YAML or JSON, as in the editor. */
  readonly manifests: string;
  /** The text of a policy; empty for the built-in one. */
  readonly policy: string;
  /** The Rollout that is shown, as `namespace/name`. The first one if there is none of this name. */
  readonly rollout?: string;
  /** The number of pods, in place of that of the Rollout or its autoscaler. */
  readonly replicas?: number;
  /** The index of the stage of the timeline at which everything is applied again; by default the first with a canary. */
  readonly stage?: number;
  /** The step at whose end the update is aborted, by its number from 1. */
  readonly abortAt?: number;
}

/** A finding, and what the built-in policy decides about it where that differs. */
export interface JudgedFinding extends ReportedFinding {
  readonly builtIn?: 'deny' | 'warn' | 'off';
}

/** What is wrong at a node or an edge: the worst decision of its findings. */
export type Level = 'deny' | 'warn';

/** Which pods requests on an edge reach. */
export type Side = 'stable' | 'canary';

/** A template of the experiment of a canary step, by the number of the step from 1. */
export interface TemplateRef {
  readonly step: number;
  readonly template: string;
}

/** An object that the Rollout drives or needs, or a set of its pods. */
export interface GraphNode {
  readonly id: string;
  readonly kind: 'entry' | 'route' | 'service' | 'subset' | 'pods' | 'rollout' | 'analysis' | 'scaler' | 'workload';
  /** The kind in words: `HTTPRoute`, `stable pods`. */
  readonly title: string;
  readonly name: string;
  readonly side?: Side;
  /** The experiment that it is part of. */
  readonly experiment?: TemplateRef;
  /** Whether it is referred to and not among the manifests. */
  readonly isMissing?: true;
  readonly level?: Level;
  /** Indexes of the findings that it shows. */
  readonly findings: readonly number[];
  /** The line of its manifest, from 1. */
  readonly line?: number;
}

/** A path of requests (`traffic`), or another relation. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'traffic' | 'relation';
  /** Whose share of the requests goes along it: pods of a side or of an experiment. Else it has no weight of its own. */
  readonly side?: Side;
  readonly experiment?: TemplateRef;
  readonly label?: string;
  readonly level?: Level;
  readonly findings: readonly number[];
}

/** What a Rollout drives. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** How many nodes and edges were left out of a graph that is too large. */
  readonly more?: number;
}

/** A stage of the timeline in words and numbers. */
export interface ShownStage {
  readonly row: StageRow;
  readonly pods: StagePods;
  readonly traffic: Traffic;
  /** The templates of the experiment that runs then. */
  readonly experiment: readonly ExperimentTemplate[];
  readonly mostPods: number;
  /** Whether pods of both versions have a hash of their own then, so that an apply can overwrite it. */
  readonly isUpdating: boolean;
  /** Whether it follows an abort. */
  readonly isAborted?: true;
}

/** What an update of the Rollout does. */
export interface ShownTimeline {
  readonly heading: string;
  readonly summary: readonly string[];
  readonly strategy: 'canary' | 'blueGreen';
  readonly replicas: number;
  /** The counts that may be chosen instead, of an autoscaler. */
  readonly counts: readonly { readonly replicas: number; readonly from: string }[];
  readonly mostPods: number;
  /** If the update is aborted: the steps until then, and what follows. */
  readonly stages: readonly ShownStage[];
  readonly notes: readonly NoteLine[];
  /** Why there is no abort, if one was asked for. */
  readonly abortProblem?: string;
}

/** An object that is applied again during an update. */
export interface ReappliedObject {
  readonly kind: string;
  readonly name: string;
  /** As YAML: what is applied, and so what is stored without Rollgate. */
  readonly applied: string;
  /** As YAML: what is stored with Rollgate. */
  readonly stored: string;
  /** What is kept, a line each. */
  readonly kept: readonly string[];
}

/** What is stored if all manifests are applied again at a stage. */
export interface Reapplied {
  readonly stage: number;
  readonly objects: readonly ReappliedObject[];
}

/** What another policy changes. */
export interface PolicyEffect {
  readonly errors: readonly string[];
  readonly verdict: 'allow' | 'deny';
  /** Findings that it decides differently: now, and with the built-in policy. */
  readonly changed: number;
  /** Findings that it does not report, and the built-in policy does: the first of them. */
  readonly dropped: readonly ReportedFinding[];
  /** How many more of these there are. */
  readonly moreDropped: number;
}

/** The answer to a question. */
export interface Answer {
  readonly verdict: 'allow' | 'deny';
  readonly objects: number;
  readonly findings: readonly JudgedFinding[];
  /** Texts that could not be read. */
  readonly errors: readonly { readonly line: number; readonly column: number; readonly message: string }[];
  /** How many more findings and errors there are. */
  readonly more: number;
  /** How many there are of each kind, listed or not. */
  readonly counts: { readonly deny: number; readonly warn: number; readonly errors: number };
  readonly rollouts: readonly string[];
  readonly rollout?: string;
  readonly graph?: Graph;
  readonly timeline?: ShownTimeline;
  /** Why there is no timeline. */
  readonly timelineProblem?: string;
  readonly reapplied?: Reapplied;
  readonly policy: PolicyEffect;
}

/** A manifest file that was given on the command line. */
export interface GivenFile {
  readonly name: string;
  readonly text: string;
}

/** The files that were given on the command line. */
export interface GivenFiles {
  /** Another one when a file has changed. */
  readonly version: string;
  readonly files: readonly GivenFile[];
  /** What was skipped or could not be read, a sentence each. */
  readonly notes: readonly string[];
}
