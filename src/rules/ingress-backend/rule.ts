import {
  albActionService,
  INGRESS_BACKEND_PLACES,
  ingressBackendsOf,
  managedIngresses,
  USE_ANNOTATION,
} from '../../world/ingress.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { isOwnedBy, OWNER_PLACES } from '../../world/owners.ts';
import type { Path } from '../../world/path.ts';
import { asObject, asString, dig, optionalString } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { canaryOf, isBeingDeleted } from '../../world/rollout.ts';
import { canaryIngressName, ROUTERS, routerConfig, routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';

// Both load balancers read the annotation first.
const CLASS = 'kubernetes.io/ingress.class';
const ACTIONS = 'alb.ingress.kubernetes.io';
// By these annotations the controller knows which actions it has written.
const WRITTEN = ['rollouts.argoproj.io/managed-alb-actions', 'rollouts.argoproj.io/managed-alb-annotations'];
const STICKINESS = /"targetgroupstickinessconfig"\s*:\s*\{[^{}]*"enabled"\s*:\s*true/i;
// An action with its two target groups has a few hundred characters.
const MAX_ACTION = 10_000;

const messages = {
  lacking: {
    class: 'invalid',
    text: 'Ingress "{name}" has no rule for {role} Service "{service}"',
    fix: 'add a path with this Service as backend',
  },
  notByAnnotation: {
    class: 'invalid',
    text: 'Ingress "{name}" uses port {port} for Service "{service}", so the weights in its annotations have no effect',
    fix: 'set the port name to use-annotation',
  },
  besideAnnotation: {
    class: 'advice',
    text: 'Ingress "{name}" uses port {port} for Service "{service}" in one path, so the weights have no effect there',
    fix: 'set the port name to use-annotation, unless the weights should not apply to this path',
  },
  canary: {
    class: 'advice',
    text: 'Ingress "{canary}" already exists and does not belong to Rollout "{rollout}", so the Rollouts controller cannot set weights with it',
    fix: 'delete it or give it another name, and the controller creates its own for the canary of Ingress "{name}"',
  },
  class: {
    class: 'advice',
    text: 'Ingress "{name}" has class "{ingressClass}", whose controller does not read the weights of trafficRouting.{router}',
    fix: 'correct the class or the router, unless this is a class of {title}',
  },
  overwritten: {
    class: 'advice',
    text: 'the Rollouts controller writes annotation "{annotation}" of Ingress "{name}" itself, so applying this manifest can reset the weights',
    fix: 'remove the annotation from the manifest',
  },
  stickiness: {
    class: 'advice',
    text: 'the stickiness in annotation "{annotation}" of Ingress "{name}" gets lost, because the Rollouts controller overwrites the annotation',
    fix: 'remove the annotation from the manifest, and set stickinessConfig in trafficRouting.alb of the Rollout',
  },
} as const;

export const ingressBackend = defineRule({
  id: 'ingress-backend',
  summary: 'An Ingress that a Rollout controls has a rule for the stable Service, or for the root Service of an ALB.',
  explanation:
    'The controller looks for a rule whose backend is the stable Service (with ALB, the root Service if one is ' +
    'set). Without such a rule it marks the Rollout InvalidSpec. The default backend does not count. If both ALB ' +
    'and nginx are configured, the controller checks only the Ingresses of ALB. For ALB it writes the weights into ' +
    'the annotation "actions.<service>" and does not change the rule. The load balancer controller reads this ' +
    'annotation only for a backend whose port is named use-annotation. With any other port, all traffic goes to ' +
    'that one Service. For nginx it creates an Ingress for the canary. It cannot set weights if there is one of that name that belongs to something else; this is only advice, because the first pods start anyway. ' +
    'A load balancer reads only Ingresses of its own class. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateIngress), ' +
    'rollout/controller.go (getReferencedIngresses) and rollout/trafficrouting/alb and nginx (SetWeightPerIngress); AWS Load Balancer Controller, ' +
    'Ingress annotations (actions).',
  subject: { 'Rollout.argoproj.io': REFERENCE_PLACES['Rollout.argoproj.io'] },
  reads: {
    'Ingress.networking.k8s.io': [
      ...INGRESS_BACKEND_PLACES,
      ...OWNER_PLACES,
      'metadata.deletionTimestamp',
      'metadata.annotations',
      'spec.ingressClassName',
    ],
  },
  stricterThanUpstream: {
    notByAnnotation: {
      why: 'The controller looks for the Service in a rule and ignores the port. An ALB reads the weights only for a backend whose port is "use-annotation", so all traffic stays where it is.',
      seenBy: [],
    },
  },
  example: {
    fixture: 'bad-nginx-without-stable.yaml',
    referenced: 'Ingress reviews',
    before: [['name: reviews\n                port', 'name: reviews-stable\n                port']],
  },
  messages,
  check(context, rollout) {
    const stable = asString(canaryOf(rollout)?.['stableService']);
    const router = routersOf(rollout).has('alb') ? 'alb' : 'nginx';
    const managed = managedIngresses(rollout);
    const ofNginx = new Map(
      managed.filter((ingress) => ingress.router === 'nginx').map((each) => [each.name, each.path]),
    );
    checkCanaries(context, rollout, ofNginx);
    for (const { name, path: from } of managed.filter((ingress) => ingress.router === router)) {
      // If both routers name one Ingress, the controller checks it by the rules for nginx.
      const isNginx = ofNginx.has(name);
      const service = isNginx ? stable : albActionService(rollout);
      if (service === '') continue;
      const ingress = context.find('Ingress.networking.k8s.io', namespaceOf(rollout), name);
      if (ingress === undefined) continue;
      checkClass(context, rollout, ingress, isNginx ? 'nginx' : router, from);
      const related = [{ object: rollout, path: from }];
      const backends = ingressBackendsOf(ingress, new Set([service]), context);
      if (backends.length === 0) {
        const role = service === stable ? 'stable' : 'root';
        context.report('lacking', {
          object: ingress,
          path: ['spec', 'rules'],
          anchor: service,
          data: { name, role, service },
          related,
        });
      }
      if (isNginx) continue;
      checkAnnotation(context, rollout, ingress, from);
      const isShifted = backends.some(({ port }) => port === USE_ANNOTATION);
      for (const { port, portPath } of backends) {
        if (port === undefined || port === USE_ANNOTATION) continue;
        const text = typeof port === 'number' ? port : `"${port}"`;
        context.report(isShifted ? 'besideAnnotation' : 'notByAnnotation', {
          object: ingress,
          path: portPath,
          anchor: `${service} ${port}`,
          data: { name, service, port: text },
          related,
        });
      }
    }
  },
});

function checkCanaries(
  context: RuleContext<typeof messages>,
  rollout: KubeObject,
  ofNginx: ReadonlyMap<string, Path>,
): void {
  for (const [name, path] of ofNginx) {
    const canary = canaryIngressName(rollout, name);
    const ingress = context.find('Ingress.networking.k8s.io', namespaceOf(rollout), canary);
    if (ingress === undefined || isBeingDeleted(ingress) || isOwnedBy(ingress, rollout)) continue;
    const related = [{ object: ingress, path: ['metadata', 'name'] }];
    context.report('canary', { path, anchor: canary, data: { canary, name, rollout: rollout.metadata.name }, related });
  }
}

// Classes may have any name, but these two are the defaults of the Rollouts controller and of their own controllers.
function checkClass(
  context: RuleContext<typeof messages>,
  rollout: KubeObject,
  ingress: KubeObject,
  router: 'alb' | 'nginx',
  from: Path,
): void {
  const routers = routersOf(rollout);
  const other = router === 'alb' ? 'nginx' : 'alb';
  const inAnnotation = optionalString(dig(ingress, 'metadata', 'annotations', CLASS));
  const ingressClass = inAnnotation ?? optionalString(dig(ingress, 'spec', 'ingressClassName'));
  if (ingressClass !== other || routers.has(other)) return;
  context.report('class', {
    object: ingress,
    path: inAnnotation === undefined ? ['spec', 'ingressClassName'] : ['metadata', 'annotations', CLASS],
    anchor: 'class',
    data: { name: ingress.metadata.name, ingressClass, router, title: ROUTERS[router] },
    related: [{ object: rollout, path: from }],
  });
}

// The controller replaces the whole action each time that it sets a weight.
function checkAnnotation(
  context: RuleContext<typeof messages>,
  rollout: KubeObject,
  ingress: KubeObject,
  from: Path,
): void {
  const alb = routerConfig(rollout, 'alb');
  const prefix = optionalString(alb?.['annotationPrefix']) ?? ACTIONS;
  const annotation = `${prefix}/actions.${albActionService(rollout)}`;
  const annotations = asObject(ingress.metadata['annotations']);
  const action = optionalString(annotations[annotation]);
  if (action === undefined || WRITTEN.some((written) => annotations[written] !== undefined)) return;
  const isSticky = action.length <= MAX_ACTION && STICKINESS.test(action);
  const isLost = isSticky && dig(alb, 'stickinessConfig', 'enabled') !== true;
  context.report(isLost ? 'stickiness' : 'overwritten', {
    object: ingress,
    path: ['metadata', 'annotations', annotation],
    anchor: annotation,
    data: { annotation, name: ingress.metadata.name },
    related: [{ object: rollout, path: from }],
  });
}
