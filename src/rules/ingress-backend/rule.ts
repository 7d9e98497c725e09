import { albActionService, ingressBackends, managedIngresses, USE_ANNOTATION } from '../../world/ingress.ts';
import { namespaceOf } from '../../world/object.ts';
import { asString } from '../../world/read.ts';
import { canaryOf } from '../../world/rollout.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

export const ingressBackend = defineRule({
  id: 'ingress-backend',
  summary: 'An Ingress that a Rollout drives has a rule for its stable Service, or for the root Service of an ALB.',
  explanation:
    'The controller looks for a rule whose backend is the stable Service (with ALB the root Service, where one is named) and marks the Rollout InvalidSpec ' +
    'without one; the default backend does not count, and with ALB and nginx both configured only the Ingresses of ALB are looked at. For ALB it writes the ' +
    'weights into the annotation "actions.<service>" and does not touch the rule: the load balancer controller reads that annotation only for a backend ' +
    'whose port is named use-annotation, so with any other port all traffic goes on to the one Service. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateIngress), rollout/controller.go (getReferencedIngresses) and rollout/trafficrouting/alb; AWS Load Balancer ' +
    'Controller, Ingress annotations (actions).',
  subject: ['Rollout.argoproj.io'],
  reads: ['Ingress.networking.k8s.io'],
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
  messages: {
    lacking: {
      class: 'invalid',
      text: 'Ingress "{name}" has no rule for {role} Service "{service}"',
      fix: 'add a path with that Service as its backend',
    },
    notByAnnotation: {
      class: 'invalid',
      text: 'Ingress "{name}" sends to Service "{service}" by port {port}, so the weights that the controller writes into its annotations have no effect',
      fix: 'set the port to name: use-annotation',
    },
    besideAnnotation: {
      class: 'advice',
      text: 'Ingress "{name}" sends one path to Service "{service}" by port {port}, past the weights that the controller sets',
      fix: 'set the port to name: use-annotation, unless that path is not to be shifted',
    },
  },
  check(context, rollout) {
    const stable = asString(canaryOf(rollout)?.['stableService']);
    const router = routersOf(rollout).has('alb') ? 'alb' : 'nginx';
    const managed = managedIngresses(rollout);
    const ofNginx = new Set(managed.filter((ingress) => ingress.router === 'nginx').map(({ name }) => name));
    for (const { name, path: from } of managed.filter((ingress) => ingress.router === router)) {
      // Both routers may name one Ingress: the controller then asks of it what NGINX needs.
      const isNginx = ofNginx.has(name);
      const service = isNginx ? stable : albActionService(rollout);
      if (service === '') continue;
      const ingress = context.find('Ingress.networking.k8s.io', namespaceOf(rollout), name);
      if (ingress === undefined) continue;
      const related = [{ object: rollout, path: from }];
      const backends = ingressBackends(ingress).filter((backend) => backend.service === service);
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
