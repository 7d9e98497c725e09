import type { ObjectRef } from '../world/object.ts';
import type { TimeSpan } from './analysis-time.ts';
import type { Pods, Weights } from './replica-counts.ts';

/** What an update waits for at the end of a stage: seconds that pass by themselves, or a person. */
export interface Wait extends TimeSpan {
  readonly by: 'time' | 'person' | 'analysis' | 'experiment' | 'plugin' | 'scale-down';
  readonly text: string;
}

/** How requests reach the pods: a router sends shares, a Service spreads them over pods, or selects one ReplicaSet. */
export type Arrival = 'router' | 'pods' | 'stable Service' | 'active Service';

/** The pods of a stage; `experiment` are those that an experiment runs in addition. */
export interface StagePods extends Pods {
  readonly experiment: number;
}

/** The parts of all requests, of 1, that reach each kind of pods. */
export type Traffic = StagePods;

/** A template of an experiment that runs. */
export interface ExperimentTemplate {
  readonly name: string;
  readonly pods: number;
  /** What the router sends to its pods, as the router counts; 0 if it sends nothing. */
  readonly weight: number;
  /** The part of all requests that reaches its pods, of 1. */
  readonly traffic: number;
}

/** What to know about a stage. */
export interface StageNote {
  readonly kind: 'failing-requests' | 'overload' | 'share' | 'stuck' | 'fact';
  readonly text: string;
}

/** A part of an update, and how it is at its end. */
export interface Stage {
  /** The index of the canary step; undefined before the first and after the last one. */
  readonly step: number | undefined;
  readonly title: string;
  /** The weight of the canary that the controller sets at the router; undefined without one. */
  readonly weight: number | undefined;
  readonly pods: StagePods;
  /** The most pods at once during the stage, those of experiments included. */
  readonly mostPods: number;
  readonly traffic: Traffic;
  /** The templates of the experiment that runs during the stage. */
  readonly experiment: readonly ExperimentTemplate[];
  readonly wait: Wait | undefined;
  readonly notes: readonly StageNote[];
  /** All states that the controller passes through, pod by pod. */
  readonly states: readonly { readonly pods: Pods; readonly weights: Weights | undefined }[];
}

/** An analysis in the background of an update. */
export interface BackgroundAnalysis extends TimeSpan {
  readonly templates: readonly string[];
  /** The number of the step at which it starts, from 1. */
  readonly from: number;
  readonly text: string;
}

/** What an update of a Rollout does, step by step, if all its pods become available and every analysis succeeds. */
export interface Timeline {
  readonly rollout: ObjectRef;
  readonly strategy: 'canary' | 'blueGreen';
  readonly replicas: number;
  /** Where the number of pods comes from. */
  readonly replicasFrom: string;
  readonly arrival: Arrival;
  readonly maxWeight: number;
  readonly stages: readonly Stage[];
  readonly mostPods: number;
  /** The sum of the waits. Without `shortest`, a person or something unknown decides. */
  readonly time: TimeSpan;
  readonly background: readonly BackgroundAnalysis[];
  /** How the update goes on after an abort, if one was asked for. */
  readonly abort: { readonly step: number; readonly stages: readonly Stage[] } | undefined;
  readonly notes: readonly string[];
}

/** An update that is too long to be followed, or a step that does not exist. */
export class TimelineError extends Error {}
