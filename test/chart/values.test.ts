import { beforeAll, describe, expect, it } from 'vitest';
import { serveCommand } from '../../src/commands/serve.ts';
import { whyUnprotected } from '../../src/migration/conversion-policy.ts';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { chartValues } from '../../scripts/chart-readme.ts';
import {
  argumentOf,
  argumentsOf,
  chartCases,
  CONFIGURATIONS,
  containerOf,
  deploymentOf,
  entriesOf,
  matches,
  nameOf,
  namesIn,
  ofKind,
  podOf,
  type ChartCase,
} from '../support/chart-cases.ts';
import { valuesOf } from '../support/chart-values.ts';
import { policyIn } from '../support/helm.ts';

const NAMESPACE = 'rollgate';
const EXCLUDED = 'kubernetes.io/metadata.name';

let cases: readonly ChartCase[];

beforeAll(async () => {
  cases = await chartCases();
});

/** Returns what is wrong in the first few cases in which something is, with their rows. */
function wrongIn(check: (of: ChartCase) => readonly string[]): readonly string[] {
  return cases
    .map((of) => ({ wrong: check(of), row: JSON.stringify(of.row) }))
    .filter(({ wrong }) => wrong.length > 0)
    .slice(0, 3)
    .map(({ wrong, row }) => `${wrong.join(', ')} in ${row}`);
}

/** Returns all texts and numbers in a value, as texts. */
function scalarsIn(value: unknown): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(scalarsIn) : [];
}

describe('each pair of structural values of the chart', () => {
  it('renders without a warning and passes helm lint', () => {
    expect(cases.length).toBeGreaterThan(20);
    expect(wrongIn(({ stderr }) => (stderr === '' ? [] : [stderr]))).toEqual([]);
    expect(
      wrongIn(({ lint }) => (/\[(WARNING|ERROR)\]/.test(lint) || !lint.includes('0 chart(s) failed') ? [lint] : [])),
    ).toEqual([]);
  });

  it('renders each object once, with the labels of the chart and of commonLabels', () => {
    expect(
      wrongIn(({ objects, row }) => {
        const ids = objects.map((object) =>
          ['kind', 'namespace', 'name'].map((key) => dig(object, key) ?? dig(object, 'metadata', key)).join('/'),
        );
        const bare = objects.filter(
          (object) =>
            dig(object, 'metadata', 'labels', 'app.kubernetes.io/instance') !== 'rollgate' ||
            (dig(object, 'metadata', 'labels', 'team') === 'platform') !== (row['labels'] === 'some'),
        );
        return [...ids.filter((id, index) => ids.indexOf(id) !== index), ...bare.map(nameOf)];
      }),
    ).toEqual([]);
  });

  it('names each object after the release or the override', () => {
    const wanted: Readonly<Record<string, string>> = {
      default: 'rollgate',
      name: 'rollgate-keeper',
      'full name': 'admission',
    };
    expect(
      wrongIn(({ objects, row }) =>
        objects
          .filter((object) => row['account'] !== 'named' || dig(object, 'kind') !== 'ServiceAccount')
          .map(nameOf)
          .filter((name) => name !== wanted[row['name'] ?? ''] && !name.startsWith(`${wanted[row['name'] ?? '']}-`)),
      ),
    ).toEqual([]);
  });

  it('never sends objects of its own namespace and of excludedNamespaces, whatever else is selected', () => {
    expect(
      wrongIn((of) => {
        const exempt = policyIn(of.objects).exemptions.namespaces;
        return entriesOf(of).flatMap((entry) => {
          const excluded = asArray(dig(entry, 'namespaceSelector', 'matchExpressions'))
            .filter((one) => dig(one, 'key') === EXCLUDED && dig(one, 'operator') === 'NotIn')
            .flatMap((one) => asArray(dig(one, 'values')).map(asString));
          const others = of.row['webhooks'] === 'other' ? 'legacy' : 'kube-system';
          return [NAMESPACE, others].every((name) => excluded.includes(name) && exempt.includes(name))
            ? []
            : [asString(dig(entry, 'name'))];
        });
      }),
    ).toEqual([]);
  });

  it('converts only where the webhooks look', () => {
    expect(
      wrongIn((of) => {
        const selected = entriesOf(of).some(
          (entry) =>
            dig(entry, 'objectSelector') !== undefined ||
            dig(entry, 'namespaceSelector', 'matchLabels') !== undefined ||
            asArray(dig(entry, 'namespaceSelector', 'matchExpressions')).length !== 1,
        );
        const converts = argumentsOf(of).some((arg) => arg.startsWith('--conversion-'));
        const wanted = String(of.row['conversion']).startsWith('off, ');
        return selected === wanted && !(selected && converts) ? [] : ['selectors'];
      }),
    ).toEqual([]);
    expect(cases.some(({ row }) => row['conversion'] === 'off, by namespace')).toBe(true);
  });

  it('calls a Service whose ports lead to the pods', () => {
    expect(
      wrongIn((of) => {
        const labels = dig(deploymentOf(of), 'spec', 'template', 'metadata', 'labels');
        const ports = namesIn(dig(containerOf(of), 'ports'));
        const services = ofKind(of, 'Service');
        const called = services.find((service) =>
          entriesOf(of).every((entry) => dig(entry, 'clientConfig', 'service', 'name') === nameOf(service)),
        );
        const monitor = dig(ofKind(of, 'ServiceMonitor')[0], 'spec');
        const scraped = services.filter((service) =>
          namesIn(dig(service, 'spec', 'ports')).includes(asString(dig(asArray(dig(monitor, 'endpoints'))[0], 'port'))),
        );
        return [
          ...(dig(asArray(dig(called, 'spec', 'ports'))[0], 'port') === 443 ? [] : ['no Service at port 443']),
          ...services
            .filter((service) => !matches(dig(service, 'spec', 'selector'), labels))
            .map((service) => `selector of ${nameOf(service)}`),
          ...services
            .flatMap((service) => asArray(dig(service, 'spec', 'ports')))
            .map((port) => asString(dig(port, 'targetPort')))
            .filter((port) => !ports.includes(port)),
          ...(monitor === undefined ||
          (scraped.length === 1 &&
            matches(dig(monitor, 'selector', 'matchLabels'), dig(scraped[0], 'metadata', 'labels')))
            ? []
            : ['ServiceMonitor']),
        ];
      }),
    ).toEqual([]);
  });

  it('selects its own pods everywhere, and probes and opens ports that they have', () => {
    expect(
      wrongIn((of) => {
        const labels = dig(deploymentOf(of), 'spec', 'template', 'metadata', 'labels');
        const ports = namesIn(dig(containerOf(of), 'ports'));
        const [policy] = ofKind(of, 'NetworkPolicy');
        const used = [
          ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) =>
            dig(containerOf(of), probe, 'httpGet', 'port'),
          ),
          ...asArray(dig(policy, 'spec', 'ingress')).flatMap((rule) =>
            asArray(dig(rule, 'ports')).map((port) => dig(port, 'port')),
          ),
        ].map(asString);
        const selectors = [
          dig(deploymentOf(of), 'spec', 'selector', 'matchLabels'),
          ...ofKind(of, 'PodDisruptionBudget').map((budget) => dig(budget, 'spec', 'selector', 'matchLabels')),
          ...asArray(dig(podOf(of), 'topologySpreadConstraints')).map((one) =>
            dig(one, 'labelSelector', 'matchLabels'),
          ),
          dig(policy, 'spec', 'podSelector', 'matchLabels'),
        ];
        return [
          ...used.filter((port) => !ports.includes(port)),
          ...selectors.filter((selector) => !matches(selector, labels)).map(() => 'a selector'),
          ...(selectors[0] === undefined ? ['no selector'] : []),
        ];
      }),
    ).toEqual([]);
  });

  it('uses one account: of the pods, of the rights, of the policies and of the program', () => {
    expect(
      wrongIn((of) => {
        const name = asString(dig(podOf(of), 'serviceAccountName'));
        const account = `system:serviceaccount:${NAMESPACE}:${name}`;
        const subjects = of.objects.flatMap((object) => asArray(dig(object, 'subjects')));
        const created = ofKind(of, 'ServiceAccount').map(nameOf);
        const policies = ofKind(of, 'ValidatingAdmissionPolicy').flatMap((policy) =>
          asArray(dig(policy, 'spec', 'matchConditions'))
            .filter((condition) => dig(condition, 'name') === 'account-of-rollgate')
            .map((condition) => asString(dig(condition, 'expression'))),
        );
        const conditions = entriesOf(of).flatMap((entry) =>
          asArray(dig(entry, 'matchConditions'))
            .slice(0, 1)
            .map((condition) => asString(dig(condition, 'expression'))),
        );
        return [
          ...(argumentOf(of, 'account') === account ? [] : [`--account=${argumentOf(of, 'account')}`]),
          ...namesIn(subjects).filter((subject) => subject !== name),
          ...(created.join() === (of.row['account'] === 'existing' ? '' : name) ? [] : created),
          ...policies.filter((expression) => !expression.includes(`== '${account}'`)),
          ...(policies.length === 2 ? [] : ['no account policies']),
          ...conditions.filter((expression) => !expression.includes(`"${account}"`)),
        ];
      }),
    ).toEqual([]);
  });

  it('names the conversion policy and the Lease that the program uses', () => {
    expect(
      wrongIn((of) => {
        const named = (kind: string, name: string): unknown =>
          ofKind(of, kind).find((object) => nameOf(object) === name);
        const name = argumentOf(of, 'conversion-policy');
        if (name === '') return String(of.row['conversion']).startsWith('off') ? [] : ['no conversion'];
        const why = whyUnprotected(
          name,
          named('ValidatingAdmissionPolicy', name),
          named('ValidatingAdmissionPolicyBinding', name),
        );
        const [namespace, lease = ''] = argumentOf(of, 'conversion-lease').split('/');
        const leases = ofKind(of, 'Role')
          .filter((role) => dig(role, 'metadata', 'namespace') === namespace)
          .flatMap((role) => asArray(dig(role, 'rules')))
          .filter((rule) => asArray(dig(rule, 'resources')).includes('leases'))
          .flatMap((rule) => asArray(dig(rule, 'resourceNames')));
        return [...(why === undefined ? [] : [why]), ...(leases.includes(lease) ? [] : [`no right to Lease ${lease}`])];
      }),
    ).toEqual([]);
  });

  it('has each volume once, and mounts it once', () => {
    expect(
      wrongIn((of) => {
        const volumes = namesIn(dig(podOf(of), 'volumes'));
        const mounts = namesIn(dig(containerOf(of), 'volumeMounts'));
        return [...volumes, ...mounts].filter(
          (name) =>
            volumes.filter((other) => other === name).length !== 1 ||
            mounts.filter((other) => other === name).length !== 1,
        );
      }),
    ).toEqual([]);
  });

  it('has no fixed user for OpenShift, and otherwise a user that is not root', () => {
    expect(
      wrongIn((of) => {
        const context = asObject(dig(podOf(of), 'securityContext'));
        const container = asObject(dig(containerOf(of), 'securityContext'));
        const ids = ['runAsUser', 'runAsGroup'].filter((key) => key in context).length;
        return context['runAsNonRoot'] === true &&
          ids === (of.row['security'] === 'no ids' ? 0 : 2) &&
          dig(context, 'seccompProfile', 'type') === 'RuntimeDefault' &&
          container['allowPrivilegeEscalation'] === false &&
          container['readOnlyRootFilesystem'] === true
          ? []
          : [JSON.stringify([context, container])];
      }),
    ).toEqual([]);
  });

  it('pulls the image that the values name', () => {
    const wanted: Readonly<Record<string, string>> = {
      tag: 'rollgate:1',
      registry: 'registry.example.com/platform/rollgate:0.1.0',
      digest: `r.example.com/rollgate@sha256:${'ab'.repeat(32)}`,
    };
    const secrets: Readonly<Record<string, string>> = { none: '', own: 'own', global: 'own,other' };
    expect(
      wrongIn((of) => {
        const image = asString(dig(containerOf(of), 'image'));
        const pulled = namesIn(dig(podOf(of), 'imagePullSecrets')).join();
        return [
          ...(image === wanted[of.row['image'] ?? ''] ? [] : [image]),
          ...(pulled === secrets[of.row['pull secrets'] ?? ''] ? [] : [`pull secrets ${pulled}`]),
        ];
      }),
    ).toEqual([]);
  });

  it('listens on the ports of the values', () => {
    const wanted: Readonly<Record<string, string>> = {
      default: '8443 8080',
      'other ports': '10250 9080',
      host: '9443 9080',
    };
    expect(
      wrongIn((of) => {
        const ports = asArray(dig(containerOf(of), 'ports')).map((port) => dig(port, 'containerPort'));
        const args = ['port', 'health-port'].map((name) => argumentOf(of, name));
        return [ports.join(' '), args.join(' ')].filter((found) => found !== wanted[of.row['network'] ?? '']);
      }),
    ).toEqual([]);
  });

  it('has each text and number of the values in its objects', () => {
    // The registry of global takes precedence, caBundle is encoded, and no object names certificates.mode.
    const exceptions = ['ignored.example.com', 'PEM', 'self', 'existing'];
    const present = cases.map(({ objects }) => scalarsIn(objects).join('\n'));
    const isIn = (scalar: string, text = ''): boolean =>
      new RegExp(`(?<![\\w.])${scalar.replaceAll(/\W/g, '\\$&').replace(/\\\/$/, '')}(?![\\w.])`).test(text);
    const lost = cases.flatMap(({ row }, index) =>
      scalarsIn(valuesOf(row))
        .filter((scalar) => !exceptions.includes(scalar) && !isIn(scalar, present[index]))
        .map((scalar) => `${scalar} in ${JSON.stringify(row)}`),
    );
    expect(lost.slice(0, 3)).toEqual([]);
    // These are in all objects anyway, so the above shows nothing. Other tests check where they are.
    const chosen = new Set(cases.flatMap(({ row }) => scalarsIn(valuesOf(row))));
    const always = [...chosen].filter((scalar) => present.every((text) => isIn(scalar, text)));
    expect(always.sort()).toEqual([
      ...['0', '1', 'Fail', 'kubernetes.io/metadata.name'],
      ...['own', 'rollgate', 'self', 'topology.kubernetes.io/zone'],
    ]);
  });

  it('passes on what the values say about the pods', () => {
    for (const of of cases) {
      const values = valuesOf(of.row);
      const { extraEnv = [], extraVolumes = [], extraVolumeMounts = [], extraArgs = [] } = values;
      expect([of.row, asArray(dig(containerOf(of), 'env'))]).toEqual([of.row, extraEnv]);
      expect(asArray(dig(podOf(of), 'volumes'))).toEqual(expect.arrayContaining([...asArray(extraVolumes)]));
      expect(asArray(dig(containerOf(of), 'volumeMounts'))).toEqual(
        expect.arrayContaining([...asArray(extraVolumeMounts)]),
      );
      expect(argumentsOf(of).slice(-1)).toEqual(
        asArray(extraArgs).length > 0 ? extraArgs : [expect.not.stringContaining('--context')],
      );
      for (const key of ['priorityClassName', 'nodeSelector', 'tolerations', 'affinity'])
        expect([of.row, key, dig(podOf(of), key)]).toEqual([of.row, key, values[key]]);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
        expect(dig(containerOf(of), probe)).toMatchObject(asObject(values[probe]));
      expect(dig(deploymentOf(of), 'spec', 'template', 'metadata', 'labels')).toMatchObject(
        asObject(values['podLabels']),
      );
    }
  });

  it('lets cert-manager inject the CA of its own certificate', () => {
    expect(
      wrongIn((of) =>
        CONFIGURATIONS.flatMap((kind) => {
          const [configuration] = ofKind(of, kind);
          const from = asString(dig(configuration, 'metadata', 'annotations', 'cert-manager.io/inject-ca-from'));
          const certificates = ofKind(of, 'Certificate').map((object) => `${NAMESPACE}/${nameOf(object)}`);
          return certificates.length === 0 || certificates.includes(from) ? [] : [`inject-ca-from: ${from}`];
        }),
      ),
    ).toEqual([]);
  });
});

describe('the options of rollgate serve', () => {
  it('are all valid as the chart sets them', () => {
    expect(
      wrongIn((of) => {
        const [name, ...args] = argumentsOf(of);
        const command = serveCommand({ stderr: process.stderr }, () => undefined).exitOverride();
        const { unknown, operands } = command.parseOptions([...args]);
        return [...(name === 'serve' ? [] : ['not serve']), ...unknown, ...operands];
      }),
    ).toEqual([]);
  });

  it('are all set by a value, except those that the comment of extraArgs names', () => {
    const { description } = chartValues().find(({ path }) => path === 'extraArgs') ?? { description: '' };
    const excepted = [...description.matchAll(/--[a-z-]+/g)].map(([name]) => name);
    // The extra argument of one level is not set by a value of its own.
    const set = cases.flatMap((of) =>
      argumentsOf(of)
        .filter((arg) => !asArray(dig(valuesOf(of.row), 'extraArgs')).includes(arg))
        .map((arg) => arg.split('=')[0]),
    );
    const options = serveCommand({ stderr: process.stderr }, () => undefined).options.map(({ long }) => long ?? '');
    const unset = options.filter((option) => !set.includes(option));
    expect(unset.sort()).toEqual(excepted.sort());
  });
});
