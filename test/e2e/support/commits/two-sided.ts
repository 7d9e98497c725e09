import { asArray, asObject, dig } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import { all, canaryOf, edit, managedRoute, only, rolloutRoute, virtualServiceRoute, type Change } from './changes.ts';

/** A commit that changes several objects which must fit together. */
export interface TwoSided {
  readonly name: string;
  readonly change: Change;
  /** The kinds that get an earlier sync wave than the Rollout where waves are used. */
  readonly first: readonly string[];
}

const CANARY_SUBSET = 'version-v2';

/** The commits by the name in docs/argo-cd.md. Each also edits the VirtualService. */
export const TWO_SIDED: readonly TwoSided[] = [
  {
    name: 'the route',
    change: all(rolloutRoute('main'), virtualServiceRoute('main'), edit(1)),
    first: ['VirtualService'],
  },
  {
    name: 'the canary subset',
    change: all(destinationRuleSubset('next'), rolloutSubset('next'), virtualServiceSubset('next'), edit(1)),
    // The controller deletes a subset that the Rollout does not name, so the DestinationRule comes with the Rollout.
    first: ['VirtualService'],
  },
  {
    name: 'an argument of the analysis',
    change: all(templateArgument('target'), rolloutArgument('target'), edit(1)),
    first: ['AnalysisTemplate'],
  },
  {
    name: 'the port of the Service',
    change: all(servicePort(9090), virtualServicePort(9090), edit(1)),
    first: ['Service'],
  },
];

const ARGUMENT = 'service';

/**
 * Adds to the example what its commits change: an analysis with an argument, and the port in the VirtualService. Argo CD
 * writes the template after the Rollout, because it sorts custom resources by their names.
 */
export function prepared(objects: readonly KubeObject[]): KubeObject[] {
  const template: KubeObject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'verify-app07', namespace: objects[0]?.metadata.namespace ?? '' },
    spec: {
      metrics: [
        {
          name: 'errors',
          // No update takes so long, so nobody asks this server.
          initialDelay: '1h',
          provider: { web: { url: `http://metrics.invalid/{{args.${ARGUMENT}}}`, jsonPath: '{$.errors}' } },
          successCondition: 'result < 1',
        },
      ],
      args: [{ name: ARGUMENT }],
    },
  };
  return [...objects.map(all(rolloutArgument(ARGUMENT), virtualServicePort(8080))), template];
}

function destinationRuleSubset(name: string): Change {
  return only('DestinationRule', (rule) => {
    const spec = asObject(rule['spec']);
    const subsets = asArray(spec['subsets']).map((subset) =>
      dig(subset, 'name') === CANARY_SUBSET ? { ...asObject(subset), name } : subset,
    );
    return { ...rule, spec: { ...spec, subsets } };
  });
}

function rolloutSubset(name: string): Change {
  return canaryOf((canary) => {
    const trafficRouting = asObject(canary['trafficRouting']);
    const istio = asObject(trafficRouting['istio']);
    const destinationRule = { ...asObject(istio['destinationRule']), canarySubsetName: name };
    return { ...canary, trafficRouting: { ...trafficRouting, istio: { ...istio, destinationRule } } };
  });
}

function virtualServiceSubset(subset: string): Change {
  return destinations((destination) =>
    destination['subset'] === CANARY_SUBSET ? { ...destination, subset } : destination,
  );
}

function virtualServicePort(number: number): Change {
  return destinations((destination) => ({ ...destination, port: { number } }));
}

function destinations(change: (destination: Record<string, unknown>) => object): Change {
  return managedRoute((route) => ({
    ...route,
    route: asArray(route['route']).map((entry) => ({
      ...asObject(entry),
      destination: change(asObject(dig(entry, 'destination'))),
    })),
  }));
}

function servicePort(port: number): Change {
  return only('Service', (service) => {
    const spec = asObject(service['spec']);
    return {
      ...service,
      spec: { ...spec, ports: asArray(spec['ports']).map((each) => ({ ...asObject(each), port })) },
    };
  });
}

function templateArgument(name: string): Change {
  return only('AnalysisTemplate', (template) => {
    const text = JSON.stringify(template['spec']).replaceAll(`{{args.${ARGUMENT}}}`, `{{args.${name}}}`);
    return { ...template, spec: { ...asObject(JSON.parse(text)), args: [{ name }] } };
  });
}

function rolloutArgument(name: string): Change {
  return canaryOf((canary) => ({
    ...canary,
    analysis: { templates: [{ templateName: 'verify-app07' }], args: [{ name, value: 'app07' }] },
  }));
}
