import { testRule } from '../../../test/support/rule-tester.ts';
import { ingressBackend } from './rule.ts';

testRule(ingressBackend, import.meta.dirname, {
  'bad-alb-by-number.yaml': [
    {
      message: 'notByAnnotation',
      object: 'Ingress shop/reviews',
      path: 'spec.rules[0].http.paths[0].backend.service.port.number',
      at: '25:94',
      text: 'Ingress "reviews" sends to Service "reviews-stable" by port 80, so the weights that the controller writes into its annotations have no effect: set the port to name: use-annotation [ingress-backend]',
    },
    {
      message: 'notByAnnotation',
      object: 'Ingress shop/reviews-old',
      path: 'spec.rules[0].http.paths[0].backend.servicePort',
      at: '34:64',
      text: 'Ingress "reviews-old" sends to Service "reviews-stable" by port "http", so the weights that the controller writes into its annotations have no effect: set the port to name: use-annotation [ingress-backend]',
    },
  ],
  'bad-alb-past-the-weights.yaml': [
    {
      message: 'besideAnnotation',
      object: 'Ingress shop/reviews',
      path: 'spec.rules[0].http.paths[1].backend.service.port.number',
      at: '26:99',
      text: 'Ingress "reviews" sends one path to Service "reviews-stable" by port 80, past the weights that the controller sets: set the port to name: use-annotation, unless that path is not to be shifted [ingress-backend]',
    },
  ],
  'bad-alb-without-root.yaml': [
    {
      message: 'lacking',
      object: 'Ingress shop/reviews',
      path: 'spec.rules',
      at: '22:3',
      text: 'Ingress "reviews" has no rule for root Service "reviews-root": add a path with that Service as its backend [ingress-backend]',
    },
  ],
  'bad-both-routers.yaml': [
    {
      message: 'lacking',
      object: 'Ingress shop/reviews',
      path: 'spec.rules',
      at: '23:3',
      text: 'Ingress "reviews" has no rule for stable Service "reviews-stable": add a path with that Service as its backend [ingress-backend]',
    },
  ],
  'bad-nginx-without-stable.yaml': [
    {
      message: 'lacking',
      object: 'Ingress shop/reviews',
      path: 'spec.rules',
      at: '22:3',
      text: 'Ingress "reviews" has no rule for stable Service "reviews-stable": add a path with that Service as its backend [ingress-backend]',
    },
    {
      message: 'lacking',
      object: 'Ingress shop/reviews-internal',
      path: 'spec.rules',
      at: '31:1',
      text: 'Ingress "reviews-internal" has no rule for stable Service "reviews-stable": add a path with that Service as its backend [ingress-backend]',
    },
  ],
  'good-alb.yaml': [],
  'good-nginx.yaml': [],
});
