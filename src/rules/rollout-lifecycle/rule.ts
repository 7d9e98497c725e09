import { ownContainerPlaces, ownContainers, ownTemplate, renderContainer } from '../../world/containers.ts';
import { isHeaderName, isPortName, isPortNumber } from '../../world/names.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject, optionalNumber, optionalString, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'];
const DEFAULT_GRACE_PERIOD = 30;

const messages = {
  handler: {
    class: 'invalid',
    text: '{hook} of {container} has {handlers}',
    fix: 'set exactly one of exec, httpGet and sleep',
  },
  command: {
    class: 'invalid',
    text: '{hook} of {container} has exec without a command',
    fix: 'set exec.command to the command and its arguments',
  },
  port: {
    class: 'invalid',
    text: '{hook} of {container} has {port}',
    fix: 'use a number from 1 to 65535 without quotes, or the name of a container port',
  },
  header: {
    class: 'invalid',
    text: '{hook} of {container} has an HTTP header {named}',
    fix: 'use only letters, digits and "-" in the header name',
  },
  sleep: {
    class: 'invalid',
    text: '{hook} of {container} sleeps {seconds} s, but the grace period of its pod is {grace} s',
    fix: 'set sleep.seconds to at least 1 and at most terminationGracePeriodSeconds',
  },
  initContainer: {
    class: 'invalid',
    text: '{container} has lifecycle, but is not a sidecar',
    fix: 'remove lifecycle, or make the container a sidecar with restartPolicy: Always',
  },
} as const;

export const rolloutLifecycle = defineRule({
  id: 'rollout-lifecycle',
  summary: 'Every lifecycle hook has exactly one valid handler.',
  explanation:
    'A lifecycle hook must have exactly one handler. It is invalid with an empty command, or with a sleep that is ' +
    'longer than the grace period of its pod. An init container that is not a sidecar cannot have hooks. In all ' +
    'these cases the controller marks the Rollout InvalidSpec. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation ' +
    '(validateLifecycle, validateHandler, validateHTTPGetAction, validateSleepAction, validateInitContainers), ' +
    'which it calls.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('lifecycle'),
      'spec.template.spec.initContainers[*].restartPolicy',
      'spec.template.spec.terminationGracePeriodSeconds',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    const grace =
      optionalNumber(dig(ownTemplate(rollout), 'spec', 'terminationGracePeriodSeconds')) ?? DEFAULT_GRACE_PERIOD;
    for (const entry of ownContainers(rollout, context)) {
      const { lifecycle } = entry.raw;
      if (!isObject(lifecycle)) continue;
      const path = [...entry.path, 'lifecycle'];
      const container = renderContainer(entry);
      if (entry.list === 'initContainers' && optionalString(entry.raw['restartPolicy']) !== 'Always') {
        context.report('initContainer', { path, anchor: entry.name, data: { container } });
        continue;
      }
      for (const hook of ['postStart', 'preStop']) {
        const config = lifecycle[hook];
        if (!isObject(config)) continue;
        const subject: Hook = {
          config,
          grace,
          path: [...path, hook],
          anchor: `${entry.name} ${hook}`,
          data: { container, hook },
        };
        checkHook(context, subject);
        checkHeaders(context, subject);
      }
    }
  },
});

interface Hook {
  readonly config: JsonObject;
  readonly grace: number;
  readonly path: Path;
  readonly anchor: string;
  readonly data: { readonly container: string; readonly hook: string };
}

function checkHook(context: RuleContext<typeof messages>, { config, grace, path, anchor, data }: Hook): void {
  const handlers = HANDLERS.filter((handler) => isObject(config[handler]));
  if (handlers.length !== 1)
    context.report('handler', {
      path,
      anchor,
      data: { ...data, handlers: handlers.length === 0 ? 'no handler' : `the handlers ${handlers.join(' and ')}` },
    });
  if (isObject(config['exec']) && asArray(dig(config, 'exec', 'command')).length === 0)
    context.report('command', { path: [...path, 'exec', 'command'], anchor, data });
  for (const handler of ['httpGet', 'tcpSocket']) {
    const port = dig(config, handler, 'port');
    if (
      !isObject(config[handler]) ||
      (typeof port === 'string' ? isPortName(port) : typeof port === 'number' && isPortNumber(port))
    )
      continue;
    context.report('port', {
      path: [...path, handler, 'port'],
      anchor,
      data: {
        ...data,
        port:
          typeof port === 'string' || typeof port === 'number'
            ? `the invalid port ${JSON.stringify(port)}`
            : 'no valid port',
      },
    });
  }
  const seconds = optionalNumber(dig(config, 'sleep', 'seconds')) ?? 0;
  if (isObject(config['sleep']) && (seconds < 1 || seconds > grace))
    context.report('sleep', { path: [...path, 'sleep', 'seconds'], anchor, data: { ...data, seconds, grace } });
}

function checkHeaders(context: RuleContext<typeof messages>, { config, path, anchor, data }: Hook): void {
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
