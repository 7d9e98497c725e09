import { ownContainerPlaces, ownContainers, renderContainer } from '../../world/containers.ts';
import { isHeaderName, isPortName, isPortNumber } from '../../world/names.ts';
import type { Path } from '../../world/path.ts';
import {
  asArray,
  dig,
  int32,
  isObject,
  optionalNumber,
  optionalString,
  renderInt32,
  asString,
  type JsonObject,
} from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const COUNTS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'];

const messages = {
  handler: {
    class: 'invalid',
    text: '{probe} of {container} has {handlers}',
    fix: 'set exactly one of httpGet, tcpSocket, exec and grpc',
  },
  port: {
    class: 'invalid',
    text: '{probe} of {container} has {port}',
    fix: 'use a number from 1 to 65535 without quotes, or the name of a container port',
  },
  undeclaredPort: {
    class: 'advice',
    text: '{probe} of {container} uses port "{port}", which the container does not declare, so the probe always fails',
    fix: 'use the port number, or a port name that the container declares ({has})',
  },
  scheme: {
    class: 'invalid',
    text: '{probe} of {container} has the invalid scheme "{scheme}"',
    fix: 'use HTTP or HTTPS, in capital letters',
  },
  command: {
    class: 'invalid',
    text: '{probe} of {container} has exec without a command',
    fix: 'set exec.command to the command and its arguments',
  },
  count: {
    class: 'invalid',
    text: '{probe} of {container} has {field} {value}',
    fix: 'use {allowed}',
  },
  grace: {
    class: 'invalid',
    text: '{probe} of {container} has terminationGracePeriodSeconds {seconds}',
    fix: '{instead}',
  },
  header: {
    class: 'invalid',
    text: '{probe} of {container} has an HTTP header {named}',
    fix: 'use only letters, digits and "-" in the header name',
  },
  initContainer: {
    class: 'invalid',
    text: '{container} has a {probe}, but is not a sidecar',
    fix: 'remove the probe, or make the container a sidecar with restartPolicy: Always',
  },
} as const;

export const rolloutProbes = defineRule({
  id: 'rollout-probes',
  summary: 'Every probe has exactly one handler and a valid port.',
  explanation:
    'The controller marks a Rollout InvalidSpec if a probe has no handler or more than one. The same happens for ' +
    'a port number in quotes, a scheme in lower case, or an invalid grace period. An init container that is not a ' +
    'sidecar cannot have probes. The controller accepts a port name that the container does not declare, but the ' +
    'probe then fails on every node. No pod becomes ready, and no update completes. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation ' +
    '(validateProbe, validateReadinessProbe, validateHandler, validateHTTPGetAction, validateInitContainers), ' +
    'which it calls, and pkg/kubelet/prober.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('livenessProbe', 'readinessProbe', 'startupProbe', 'ports[*].name'),
      'spec.template.spec.initContainers[*].restartPolicy',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    for (const container of ownContainers(rollout, context)) {
      const declared = asArray(container.raw['ports']);
      context.spend(declared.length);
      const ports = new Set(declared.map((port) => asString(dig(port, 'name'))));
      ports.delete('');
      for (const probe of PROBES) {
        const config = container.raw[probe];
        if (!isObject(config)) continue;
        const subject: Probe = {
          probe,
          config,
          ports,
          path: [...container.path, probe],
          anchor: `${container.name} ${probe}`,
          data: { container: renderContainer(container), probe },
        };
        if (container.list === 'initContainers' && optionalString(container.raw['restartPolicy']) !== 'Always') {
          context.report('initContainer', { path: subject.path, anchor: subject.anchor, data: subject.data });
          continue;
        }
        checkHandlers(context, subject);
        checkCounts(context, subject);
        checkHeaders(context, subject);
        checkGrace(context, subject);
      }
    }
  },
});

type Context = RuleContext<typeof messages>;

interface Probe {
  readonly probe: (typeof PROBES)[number];
  readonly config: JsonObject;
  /** The port names that its container declares. */
  readonly ports: ReadonlySet<string>;
  readonly path: Path;
  readonly anchor: string;
  readonly data: { readonly container: string; readonly probe: string };
}

function checkHandlers(context: Context, { config, ports, path, anchor, data }: Probe): void {
  const handlers = HANDLERS.filter((handler) => isObject(config[handler]));
  if (handlers.length !== 1)
    context.report('handler', {
      path,
      anchor,
      data: { ...data, handlers: handlers.length === 0 ? 'no handler' : `the handlers ${handlers.join(' and ')}` },
    });
  const exec = config['exec'];
  if (isObject(exec) && asArray(exec['command']).length === 0)
    context.report('command', { path: [...path, 'exec', 'command'], anchor, data });
  const scheme = optionalString(dig(config, 'httpGet', 'scheme')) ?? 'HTTP';
  if (scheme !== 'HTTP' && scheme !== 'HTTPS')
    context.report('scheme', { path: [...path, 'httpGet', 'scheme'], anchor, data: { ...data, scheme } });
  for (const handler of handlers.filter((one) => one !== 'exec')) {
    const port = dig(config, handler, 'port');
    const at = [...path, handler, 'port'];
    if (!isPossiblePort(port)) {
      context.report('port', {
        path: at,
        anchor,
        data: {
          ...data,
          port:
            typeof port === 'string' || typeof port === 'number'
              ? `the invalid port ${JSON.stringify(port)}`
              : 'no port',
        },
      });
    } else if (typeof port === 'string' && !ports.has(port)) {
      context.report('undeclaredPort', {
        path: at,
        anchor,
        data: { ...data, port, has: listed(ports, quoted, 'it has none') },
      });
    }
  }
}

function checkHeaders(context: Context, { config, path, anchor, data }: Probe): void {
  for (const [index, header] of asArray(dig(config, 'httpGet', 'httpHeaders')).entries()) {
    const name = dig(header, 'name');
    if (typeof name !== 'string' || isHeaderName(name)) continue;
    const named = name === '' ? 'without a name' : `with the invalid name "${name}"`;
    context.report('header', {
      path: [...path, 'httpGet', 'httpHeaders', index, 'name'],
      anchor: `${anchor} ${name}`,
      data: { ...data, named },
    });
  }
}

function checkCounts(context: Context, { probe, config, path, anchor, data }: Probe): void {
  for (const field of COUNTS) {
    const value = int32(config[field]);
    const one = field === 'successThreshold' && probe !== 'readinessProbe';
    // 0 stands for the default, which is 1 for successThreshold.
    if (value === undefined || (one ? value === 0 || value === 1 : value >= 0)) continue;
    context.report('count', {
      path: [...path, field],
      anchor: `${anchor} ${field}`,
      data: {
        ...data,
        field,
        value: renderInt32(config[field], value),
        allowed: one ? '1, or remove the field' : '0 or more',
      },
    });
  }
}

function checkGrace(context: Context, { probe, config, path, anchor, data }: Probe): void {
  const seconds = optionalNumber(config['terminationGracePeriodSeconds']);
  const ready = probe === 'readinessProbe';
  // A readiness probe never terminates a container, so it cannot have a grace period.
  if (seconds === undefined || (seconds > 0 && !ready)) return;
  context.report('grace', {
    path: [...path, 'terminationGracePeriodSeconds'],
    anchor,
    data: {
      ...data,
      seconds,
      instead: ready ? 'remove it, or move it to the livenessProbe' : 'use 1 or more, or remove the field',
    },
  });
}

// Kubernetes reads a number in quotes as a port name, and rejects it because it has no letter. The schema rejects other
// types.
function isPossiblePort(port: unknown): boolean {
  if (typeof port === 'string') return isPortName(port);
  return typeof port === 'number' ? isPortNumber(port) : port !== undefined && port !== null;
}
