import analysisArgument from '../examples/analysis-argument.yaml?raw';
import blueGreen from '../examples/blue-green.yaml?raw';
import canaryPort from '../examples/canary-port.yaml?raw';
import noRouter from '../examples/no-router.yaml?raw';
import subsetLabels from '../examples/subset-labels.yaml?raw';

/** Manifests to start from, each with a mistake. The first is shown if nothing else is given. */
export const EXAMPLES = [
  { name: 'Gateway API: a port that differs', text: canaryPort },
  { name: 'Istio: subsets that select nothing', text: subsetLabels },
  { name: 'No router: weights that move no traffic', text: noRouter },
  { name: 'Blue-green: a typo in a selector', text: blueGreen },
  { name: 'Ingress: a renamed argument', text: analysisArgument },
] as const;
