import { generateKeyPairSync, randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binary } from '../../control-plane/build.ts';
import { freePort, Program } from './program.ts';

/** Options of a control plane. */
export interface ControlPlaneOptions {
  /**
   * The number of seconds after which the API server forgets old versions of objects, so that older watches get 410;
   * five minutes by default.
   */
  readonly forgetsAfter?: number;
  /**
   * The resources of authentication and authorization whose requests the API server writes to its audit log; none by
   * default. See `audited`.
   */
  readonly audits?: readonly string[];
  /** A data folder of etcd to begin with, which is copied; by default etcd is empty. */
  readonly data?: string;
  /** Whether the controllers of kube-controller-manager run; by default those that are needed do. */
  readonly controllers?: 'none';
}

/** The programs of a control plane before their start, and their settings. */
export interface ControlPlanePrograms {
  readonly etcd: Program;
  readonly apiserver: Program;
  readonly controllerManager: Program;
  readonly server: string;
  /** The certificate that the API server creates for itself, with its CA. */
  readonly certificate: string;
}

// An audit policy takes no `*` for all groups.
const AUDITED_GROUPS = ['authentication.k8s.io', 'authorization.k8s.io'];

/** The name of the audit log in the folder of a control plane. */
export const AUDIT_LOG = 'audit.log';

// The omitted controllers manage nodes, volumes and clouds, which do not exist here.
const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'deployment-controller',
  'disruption-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'horizontal-pod-autoscaler-controller',
  'job-controller',
  'namespace-controller',
  'replicaset-controller',
  'resourcequota-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'validatingadmissionpolicy-status-controller',
];

/**
 * Returns the programs of a control plane, built with Go if needed.
 *
 * @param folder - An empty folder for their files.
 * @param people - The tokens of users, by user name and group.
 * @throws Error - With Go's message, if a program cannot be built.
 */
export async function controlPlanePrograms(
  folder: string,
  people: readonly { token: string; user: string; group: string }[],
  options: ControlPlaneOptions,
): Promise<ControlPlanePrograms> {
  const at = (...names: string[]): string => join(folder, ...names);
  await mkdir(at('pki'));
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  await writeFile(at('pki', 'accounts.pub'), publicKey);
  await writeFile(at('pki', 'accounts.key'), privateKey);
  await writeFile(
    at('pki', 'people.csv'),
    people.map(({ token, user, group }) => `${token},${user},${user},"${group}"\n`).join(''),
  );

  const { audits = [] } = options;
  const rules = [
    { level: 'Metadata', resources: AUDITED_GROUPS.map((group) => ({ group, resources: audits })) },
    { level: 'None' },
  ];
  await writeFile(at('audit-policy.yaml'), JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));

  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const server = `https://127.0.0.1:${port}`;
  const controllerManagerConfig = at('controller-manager.kubeconfig');
  await writeFile(controllerManagerConfig, kubeconfigOf(server, at('pki', 'apiserver.crt'), people[0]?.token ?? ''));
  return {
    server,
    certificate: at('pki', 'apiserver.crt'),
    etcd: new Program({
      name: 'etcd',
      command: await binary('etcd'),
      log: at('etcd.log'),
      args: [
        `--data-dir=${at('etcd')}`,
        `--listen-client-urls=http://127.0.0.1:${client}`,
        `--advertise-client-urls=http://127.0.0.1:${client}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
        `--initial-cluster=default=http://127.0.0.1:${peer}`,
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
    }),
    apiserver: new Program({
      name: 'kube-apiserver',
      command: await binary('kube-apiserver'),
      log: at('kube-apiserver.log'),
      args: [
        `--etcd-servers=http://127.0.0.1:${client}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${at('pki')}`,
        // The kubernetes Service is not used here, and loopback addresses may not be its endpoints.
        '--advertise-address=192.0.2.1',
        '--endpoint-reconciler-type=none',
        // The API server calls a webhook at the ClusterIP of its Service. With an address in 127.0.0.0/8, Rollgate can
        // listen there, and no traffic leaves the machine.
        `--service-cluster-ip-range=127.${randomInt(64, 255)}.${randomInt(1, 16) * 16}.0/20`,
        '--authorization-mode=RBAC',
        `--token-auth-file=${at('pki', 'people.csv')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${at('pki', 'accounts.pub')}`,
        `--service-account-signing-key-file=${at('pki', 'accounts.key')}`,
        '--allow-privileged',
        '--profiling=false',
        '--goaway-chance=0',
        ...(audits.length === 0
          ? []
          : [`--audit-policy-file=${at('audit-policy.yaml')}`, `--audit-log-path=${at(AUDIT_LOG)}`]),
        ...(options.forgetsAfter === undefined ? [] : [`--etcd-compaction-interval=${options.forgetsAfter}s`]),
      ],
    }),
    controllerManager: new Program({
      name: 'kube-controller-manager',
      command: await binary('kube-controller-manager'),
      log: at('kube-controller-manager.log'),
      args: [
        `--kubeconfig=${controllerManagerConfig}`,
        '--secure-port=0',
        '--leader-elect=false',
        `--controllers=${CONTROLLERS.join(',')}`,
        '--use-service-account-credentials',
        `--service-account-private-key-file=${at('pki', 'accounts.key')}`,
        `--root-ca-file=${at('pki', 'apiserver.crt')}`,
        '--kube-api-qps=300',
        '--kube-api-burst=600',
        '--horizontal-pod-autoscaler-sync-period=1s',
        '--endpoint-updates-batch-period=0s',
        '--endpointslice-updates-batch-period=0s',
      ],
    }),
  };
}

/** Returns a kubeconfig. */
function kubeconfigOf(server: string, caFile: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'it',
    clusters: [{ name: 'it', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'it', user: { token } }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
  });
}
