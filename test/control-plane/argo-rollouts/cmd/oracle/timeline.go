package main

import (
	"encoding/json"
	"math"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/defaults"
	"github.com/argoproj/argo-rollouts/utils/replicaset"
	"github.com/argoproj/argo-rollouts/utils/weightutil"
)

const (
	stableHash = "stable"
	canaryHash = "canary"
)

type timelineQuestion struct {
	Rollout v1alpha1.Rollout `json:"rollout"`
	// HasRouter reports whether trafficRouting names a router, so that the controller sets weights.
	HasRouter bool `json:"hasRouter"`
}

// timelineState is what one reconciliation leads to: pods of the canary and the stable ReplicaSet, and their weights, -1
// without a router.
type timelineState [4]int32

type timelineStage struct {
	States []timelineState `json:"states"`
	// End is "done", "stuck" if the step is never done, or "endless" if the states repeat.
	End string `json:"end"`
}

type timelineAnswer struct {
	// Stages has one stage for each step of a canary and one after the last.
	Stages []timelineStage `json:"stages,omitempty"`
	// Aborts has what an abort at the end of each of these stages leads to.
	Aborts []timelineStage `json:"aborts,omitempty"`
	// Preview and Active are the pods of the new ReplicaSet before and after its scale-up in a blue-green update.
	Preview int32 `json:"preview"`
	Active  int32 `json:"active"`
}

// timeline follows an update. All pods become available after each reconciliation. The numbers of pods, the weights of
// steps, and whether a step has its pods come from upstream's own functions. What is between them is in methods of the
// controller that cannot be called; it is written again here, as far as pods and weights depend on it.
func timeline(line []byte) (any, error) {
	var question timelineQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return nil, err
	}
	ro := question.Rollout
	ro.Spec.Replicas = ptr.To(defaults.GetReplicasOrDefault(ro.Spec.Replicas))
	ro.Status.StableRS = stableHash
	ro.Status.CurrentPodHash = canaryHash
	if ro.Spec.Strategy.BlueGreen != nil {
		return blueGreenTimeline(&ro)
	}
	update := &canaryUpdate{rollout: &ro, hasRouter: question.HasRouter, stable: availableSet(stableHash, *ro.Spec.Replicas), canary: availableSet(canaryHash, 0)}
	if update.hasRouter {
		ro.Status.Canary.Weights = weightsOf(&ro, 0)
	}
	answer := timelineAnswer{}
	for step := 0; step <= len(ro.Spec.Strategy.Canary.Steps); step++ {
		ro.Status.CurrentStepIndex = ptr.To(int32(step))
		isLast := step == len(ro.Spec.Strategy.Canary.Steps)
		stage := update.settle(func() bool { return isLast && update.isDone() })
		if stage.End == "done" && !update.isDone() {
			stage.End = "stuck"
		}
		answer.Stages = append(answer.Stages, stage)
		answer.Aborts = append(answer.Aborts, update.copy().abort())
		if stage.End != "done" {
			break
		}
	}
	return answer, nil
}

func blueGreenTimeline(ro *v1alpha1.Rollout) (any, error) {
	ro.Status.BlueGreen.ActiveSelector = stableHash
	all := []*appsv1.ReplicaSet{availableSet(stableHash, *ro.Spec.Replicas), availableSet(canaryHash, 0)}
	preview, err := replicaset.NewRSNewReplicas(ro, all, all[1], nil)
	if err != nil {
		return nil, err
	}
	ro.Status.BlueGreen.ScaleUpPreviewCheckPoint = true
	active, err := replicaset.NewRSNewReplicas(ro, all, all[1], nil)
	return timelineAnswer{Preview: preview, Active: active}, err
}

type canaryUpdate struct {
	rollout   *v1alpha1.Rollout
	hasRouter bool
	stable    *appsv1.ReplicaSet
	canary    *appsv1.ReplicaSet
}

func availableSet(hash string, replicas int32) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: hash, Labels: map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash}}}
	scale(rs, replicas)
	return rs
}

func scale(rs *appsv1.ReplicaSet, replicas int32) {
	rs.Spec.Replicas = ptr.To(replicas)
	rs.Status.Replicas = replicas
	rs.Status.AvailableReplicas = replicas
}

func weightsOf(ro *v1alpha1.Rollout, canary int32) *v1alpha1.TrafficWeights {
	return &v1alpha1.TrafficWeights{
		Canary: v1alpha1.WeightDestination{Weight: canary},
		Stable: v1alpha1.WeightDestination{Weight: weightutil.MaxTrafficWeight(ro) - canary},
	}
}

func (u *canaryUpdate) copy() *canaryUpdate {
	return &canaryUpdate{rollout: u.rollout.DeepCopy(), hasRouter: u.hasRouter, stable: u.stable.DeepCopy(), canary: u.canary.DeepCopy()}
}

func (u *canaryUpdate) state() timelineState {
	state := timelineState{*u.canary.Spec.Replicas, *u.stable.Spec.Replicas, -1, -1}
	if weights := u.rollout.Status.Canary.Weights; weights != nil {
		state[2], state[3] = weights.Canary.Weight, weights.Stable.Weight
	}
	return state
}

// settle reconciles until nothing changes. A reconciliation at whose start the update is over is the last one.
func (u *canaryUpdate) settle(isOver func() bool) timelineStage {
	stage := timelineStage{States: []timelineState{u.state()}, End: "done"}
	seen := map[timelineState]bool{u.state(): true}
	for {
		ends := isOver()
		u.reconcile()
		state := u.state()
		if state == stage.States[len(stage.States)-1] {
			return stage
		}
		stage.States = append(stage.States, state)
		if ends {
			return stage
		}
		if seen[state] {
			stage.End = "endless"
			return stage
		}
		seen[state] = true
	}
}

func (u *canaryUpdate) abort() timelineStage {
	u.rollout.Status.Abort = true
	before := u.state()
	u.reconcile()
	u.rollout.Status.CurrentStepIndex = ptr.To[int32](0)
	stage := u.settle(func() bool { return false })
	stage.States = append([]timelineState{before}, stage.States...)
	return stage
}

// reconcile does what rolloutCanary does to weights and pods.
func (u *canaryUpdate) reconcile() {
	weights := u.nextWeights()
	scaled := false
	if _, stable := u.counts(u.rollout.Status.Canary.Weights); stable != *u.stable.Spec.Replicas {
		scale(u.stable, stable)
		scaled = true
	}
	if !scaled && !u.delaysScaleDown() {
		canary, _ := u.counts(weights)
		scale(u.canary, canary)
	}
	u.rollout.Status.Canary.Weights = weights
}

func (u *canaryUpdate) counts(weights *v1alpha1.TrafficWeights) (int32, int32) {
	if u.rollout.Spec.Strategy.Canary.TrafficRouting == nil {
		return replicaset.CalculateReplicaCountsForBasicCanary(u.rollout, u.canary, u.stable, nil)
	}
	return replicaset.CalculateReplicaCountsForTrafficRoutedCanary(u.rollout, u.canary, u.stable, weights)
}

func (u *canaryUpdate) delaysScaleDown() bool {
	canary := u.rollout.Spec.Strategy.Canary
	if !u.rollout.Status.Abort || canary.TrafficRouting == nil {
		return false
	}
	delay, isSet := defaults.GetAbortScaleDownDelaySecondsOrDefault(u.rollout)
	return delay != nil && (!canary.DynamicStableScale || isSet)
}

// isDone reports whether the current step has the pods that it waits for: completedCurrentCanaryStep, shouldFullPromote.
func (u *canaryUpdate) isDone() bool {
	canary := u.rollout.Spec.Strategy.Canary
	step, _ := replicaset.GetCurrentCanaryStep(u.rollout)
	if step == nil {
		replicas := *u.rollout.Spec.Replicas
		return u.canary.Status.AvailableReplicas >= replicas || replicaset.ReplicaProgressThresholdMet(canary.ReplicaProgressThreshold, u.canary, replicas)
	}
	if step.SetWeight == nil && step.SetCanaryScale == nil {
		return true
	}
	return replicaset.AtDesiredReplicaCountsForCanary(u.rollout, u.canary, u.stable, nil, u.rollout.Status.Canary.Weights)
}

// nextWeights does what reconcileTrafficRouting does.
func (u *canaryUpdate) nextWeights() *v1alpha1.TrafficWeights {
	if !u.hasRouter {
		return nil
	}
	ro := u.rollout
	most := weightutil.MaxTrafficWeight(ro)
	steps := ro.Spec.Strategy.Canary.Steps
	current, index := replicaset.GetCurrentCanaryStep(ro)
	desired := int32(0)
	switch {
	case ro.Status.Abort:
		desired = u.weightOnAbort()
	case u.canary.Status.AvailableReplicas == 0 || index == nil:
	case !replicaset.AtDesiredReplicaCountsForCanary(ro, u.canary, u.stable, nil, nil):
		for i := *index - 1; i >= 0; i-- {
			if steps[i].SetWeight != nil {
				desired = *steps[i].SetWeight
				break
			}
		}
	case current != nil:
		desired = replicaset.GetCurrentSetWeight(ro)
	default:
		desired = most
	}
	needed := (most - desired) * *ro.Spec.Replicas / most
	threshold := ro.Spec.Strategy.Canary.ReplicaProgressThreshold
	if u.stable.Status.AvailableReplicas < needed && !replicaset.ReplicaProgressThresholdMet(threshold, u.stable, needed) {
		return ro.Status.Canary.Weights
	}
	return weightsOf(ro, desired)
}

// weightOnAbort does what calculateDesiredWeightOnAbortOrStableRollback does.
func (u *canaryUpdate) weightOnAbort() int32 {
	ro := u.rollout
	replicas := *ro.Spec.Replicas
	if !ro.Spec.Strategy.Canary.DynamicStableScale || replicas == 0 {
		return 0
	}
	most := weightutil.MaxTrafficWeight(ro)
	desired := replicaset.GetDesiredCanaryWeight(ro, u.canary, u.stable)
	stableShare := most * u.stable.Status.AvailableReplicas / replicas
	expected := int32(math.Max(0, float64(most-stableShare)))
	if ro.Status.Canary.Weights == nil {
		return max(expected, desired)
	}
	current := ro.Status.Canary.Weights.Canary.Weight
	if desired <= 0 {
		return min(expected, current)
	}
	if stableShare < most-desired {
		return current
	}
	return min(desired, current)
}
