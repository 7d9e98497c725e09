import { beforeAll, describe, expect, it } from 'vitest';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { renderedIn, templateValues } from '../support/helm.ts';
import { platformValues } from '../support/platform-values.ts';

const FILES = platformValues();
const rendered = new Map<string, readonly unknown[]>();

beforeAll(async () => {
  for (const [name, values] of FILES) {
    const { code, stdout, stderr } = await templateValues(values);
    expect([name, code, stderr]).toEqual([name, 0, '']);
    rendered.set(name, renderedIn(stdout));
  }
});

const objectOf = (file: string, kind: string): unknown =>
  rendered.get(file)?.find((object) => dig(object, 'kind') === kind);
const podOf = (file: string): unknown => dig(objectOf(file, 'Deployment'), 'spec', 'template', 'spec');
const containerOf = (file: string): unknown => asArray(dig(podOf(file), 'containers'))[0];

describe('docs/platforms.md', () => {
  it('has a values file for each platform, and all of them render', () => {
    expect([...rendered.keys()]).toEqual([
      'openshift.yaml',
      'gke-private.yaml',
      'eks-calico.yaml',
      'registry.yaml',
      'network-policy.yaml',
      'istio-primary.yaml',
      'selected-namespaces.yaml',
      'own-account.yaml',
    ]);
  });

  it('leaves the user to OpenShift, and keeps the rest of the restricted Pod Security Standard', () => {
    expect(dig(podOf('openshift.yaml'), 'securityContext')).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(dig(containerOf('openshift.yaml'), 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    });
  });

  it('listens on the port that GKE opens, behind the same Service', () => {
    const ports = asArray(dig(containerOf('gke-private.yaml'), 'ports'));
    expect(ports).toContainEqual({ name: 'webhook', containerPort: 10250 });
    expect(dig(containerOf('gke-private.yaml'), 'args')).toContain('--port=10250');
    expect(asArray(dig(objectOf('gke-private.yaml', 'Service'), 'spec', 'ports'))[0]).toEqual({
      name: 'webhook',
      port: 443,
      targetPort: 'webhook',
    });
  });

  it('uses the network of the node on EKS, with ports other than the usual ones, and without a further node', () => {
    expect(podOf('eks-calico.yaml')).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' });
    expect(dig(containerOf('eks-calico.yaml'), 'args')).toEqual(
      expect.arrayContaining(['--port=9443', '--health-port=9080']),
    );
    expect(dig(objectOf('eks-calico.yaml', 'Deployment'), 'spec', 'strategy')).toEqual({
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
  });

  it('limits who may reach each port, and what the pods may reach', () => {
    const { ingress, egress } = asObject(dig(objectOf('network-policy.yaml', 'NetworkPolicy'), 'spec'));
    expect(ingress).toEqual([
      { ports: [{ port: 'webhook' }], from: [{ ipBlock: { cidr: '10.0.0.0/28' } }] },
      {
        ports: [{ port: 'health' }],
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      },
    ]);
    expect(egress).toEqual([
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
          { port: 443, protocol: 'TCP' },
          { port: 6443, protocol: 'TCP' },
        ],
      },
    ]);
  });

  it('mounts the kubeconfig of the Istio cluster from its Secret', () => {
    expect(dig(containerOf('istio-primary.yaml'), 'args')).toContain('--istio-kubeconfig=/istio-kubeconfig/kubeconfig');
    expect(asArray(dig(containerOf('istio-primary.yaml'), 'volumeMounts'))).toContainEqual({
      name: 'istio-kubeconfig',
      mountPath: '/istio-kubeconfig',
      readOnly: true,
    });
    expect(asArray(dig(podOf('istio-primary.yaml'), 'volumes'))).toContainEqual({
      name: 'istio-kubeconfig',
      secret: { secretName: 'istio-primary', items: [{ key: 'kubeconfig', path: 'kubeconfig' }] },
    });
  });

  it('adds conditions on namespaces to those of the chart', () => {
    for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'])
      for (const entry of asArray(dig(objectOf('selected-namespaces.yaml', kind), 'webhooks')))
        expect([asString(dig(entry, 'name')), dig(entry, 'namespaceSelector', 'matchExpressions')]).toEqual([
          dig(entry, 'name'),
          [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'NotIn',
              values: ['kube-system', 'kube-public', 'kube-node-lease', 'rollgate'],
            },
            { key: 'rollgate.example.com/checked', operator: 'In', values: ['true'] },
          ],
        ]);
  });

  it('uses an account and a token of your own', () => {
    expect(objectOf('own-account.yaml', 'ServiceAccount')).toBeUndefined();
    expect(podOf('own-account.yaml')).toMatchObject({
      serviceAccountName: 'rollgate-gate',
      automountServiceAccountToken: false,
    });
    expect(dig(containerOf('own-account.yaml'), 'args')).toContain(
      '--account=system:serviceaccount:rollgate:rollgate-gate',
    );
  });
});
