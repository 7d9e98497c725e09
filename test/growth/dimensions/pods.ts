import { servicesOf, times, object, container, rollout, type Json } from '../objects.ts';
import { pods, type Dimension } from '../setups.ts';

/** Parts of pod templates, and what pods refer to. */
export const PODS: readonly Dimension[] = [
  {
    title: 'ports of Services',
    make: (n) => {
      const ports = times(n, (i) => ({ name: `p-${i}`, port: 1 + i, targetPort: `t-${i}` }));
      return [rollout('app'), ...servicesOf('app', ports)];
    },
  },
  {
    title: 'ports of a container',
    make: (n) =>
      pods({
        containers: [
          container('app', {
            ports: times(n, (i) => ({ name: `p-${i}`, containerPort: 1 + (i % 9), hostPort: 1 + i })),
          }),
        ],
      }),
  },
  {
    title: 'environment variables',
    make: (n) =>
      pods({
        containers: [
          container('app', {
            env: times(n, (i) => ({ name: `V_${i}`, valueFrom: { configMapKeyRef: { name: `c-${i}`, key: 'k' } } })),
          }),
        ],
      }),
  },
  {
    title: 'environment variables of one name',
    make: (n) => pods({ containers: [container('app', { env: times(n, () => ({ name: 'V', value: 'x' })) })] }),
  },
  { title: 'containers', make: (n) => pods({ containers: times(n, (i) => container(`c-${i}`)) }) },
  {
    title: 'containers of one name with probes',
    make: (n) =>
      pods({
        containers: times(n, () =>
          container('c', {
            readinessProbe: { httpGet: { port: 'nope' } },
            lifecycle: { preStop: { sleep: { seconds: 99 } } },
          }),
        ),
      }),
  },
  {
    title: 'init containers',
    make: (n) =>
      pods({ initContainers: times(n, (i) => container(`i-${i}`, { restartPolicy: i % 2 === 0 ? 'Always' : 'x' })) }),
  },
  {
    title: 'environment sources',
    make: (n) =>
      pods({
        containers: [container('app', { envFrom: times(n, (i) => ({ secretRef: { name: `s-${i}` }, prefix: '=' })) })],
      }),
  },
  {
    title: 'sources of a projected volume',
    make: (n) =>
      pods({
        volumes: [{ name: 'v', projected: { sources: times(n, (i) => ({ configMap: { name: `c-${i}` } })) } }],
        containers: [container('app', { volumeMounts: [{ name: 'v', mountPath: '/m' }] })],
      }),
  },
  {
    title: 'resources',
    make: (n) =>
      pods({
        containers: [
          container('app', {
            resources: { requests: Object.fromEntries(times(n, (i) => [`example.com/r-${i}`, '2'])) },
          }),
        ],
      }),
  },
  {
    title: 'volumes and mounts',
    make: (n) =>
      pods({
        volumes: times(n, (i) => ({ name: `v-${i}`, configMap: { name: `c-${i}`, items: [{ key: 'k', path: 'p' }] } })),
        containers: [container('app', { volumeMounts: times(n, (i) => ({ name: `v-${i}`, mountPath: `/m/${i}` })) })],
      }),
  },
  {
    title: 'mounts without volumes',
    make: (n) =>
      pods({
        volumes: times(n, (i) => ({ name: `v-${i}` })),
        containers: [container('app', { volumeMounts: times(n, (i) => ({ name: `w-${i}`, mountPath: '/m' })) })],
      }),
  },
  {
    title: 'ConfigMaps that do not exist',
    make: (n) => [
      ...pods({ volumes: times(n, (i) => ({ name: `v-${i}`, configMap: { name: `c-${i}` } })) }),
      ...times(n, (i) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `d-${i}`, namespace: 'shop' } })),
    ],
  },
  {
    title: 'labels of the pod template and the selector',
    make: (n) => {
      const labels = Object.fromEntries(times(n, (i) => [`l-${i}`, 'x']));
      return [
        rollout('app', {
          labels,
          spec: { selector: { matchLabels: labels } },
          canary: { canaryMetadata: { labels }, stableMetadata: { labels } },
        }),
        object('v1', 'Service', 'app-stable', { selector: labels, ports: [{ port: 80 }] }),
      ];
    },
  },
  {
    title: 'labels that differ',
    make: (n) => {
      const labels = (value: string): Json => Object.fromEntries(times(n, (i) => [`l-${i}`, value]));
      return [
        rollout('app', {
          labels: labels('x'),
          spec: { selector: { matchLabels: labels('y') } },
          canary: { canaryMetadata: { labels: labels('z') }, stableMetadata: { annotations: labels('z') } },
        }),
        object('v1', 'Service', 'app-stable', { selector: labels('z'), ports: [{ port: 80 }] }),
      ];
    },
  },
  {
    title: 'expressions of the selector',
    make: (n) => [
      rollout('app', {
        spec: {
          selector: { matchExpressions: times(n, (i) => ({ key: `l-${i}`, operator: 'In', values: ['a', 'b'] })) },
        },
        canary: { canaryMetadata: { labels: Object.fromEntries(times(n, (i) => [`l-${i}`, 'c'])) } },
      }),
    ],
  },
  {
    title: 'values of an expression of the selector',
    make: (n) => [
      rollout('app', {
        spec: { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: times(n, (i) => `v ${i}`) }] } },
      }),
    ],
  },
  {
    title: 'annotations',
    make: (n) => [
      rollout('app', {
        spec: { template: { metadata: { annotations: Object.fromEntries(times(n, (i) => [`not valid ${i}`, 'x'])) } } },
      }),
    ],
  },
  {
    title: 'keys of a ConfigMap',
    make: (n) => [
      ...pods({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c', namespace: 'shop' },
        data: Object.fromEntries(times(n, (i) => [`k-${i}`, 'x'])),
      },
    ],
  },
];
