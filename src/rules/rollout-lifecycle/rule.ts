import { ownContainers, ownTemplate, renderContainer } from '../../world/containers.ts';
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
    fix: 'give it exactly one of exec, httpGet and sleep',
  },
  command: {
    class: 'invalid',
    text: '{hook} of {container} runs no command',
    fix: 'list the command and its arguments in exec.command',
  },
  port: {
    class: 'invalid',
    text: '{hook} of {container} asks at {port}',
    fix: 'write a number from 1 to 65535 without quotes, or the name of a port of the container',
  },
  header: {
    class: 'invalid',
    text: '{hook} of {container} sends a header {named}',
    fix: 'use letters, digits and "-"',
  },
  sleep: {
    class: 'invalid',
    text: '{hook} of {container} sleeps for {seconds} s, and its pod is given {grace} s to end',
    fix: 'write a number of seconds from 1 to terminationGracePeriodSeconds',
  },
  initContainer: {
    class: 'invalid',
    text: '{container} has a lifecycle, and runs to its end before the others start',
    fix: 'remove lifecycle, or make it a sidecar with restartPolicy: Always',
  },
} as const;

export const rolloutLifecycle = defineRule({
  id: 'rollout-lifecycle',
  summary: 'Every lifecycle hook of a Rollout does one thing that can be done.',
  explanation:
    'A hook that does nothing or two things, runs an empty command or sleeps longer than its pod may take to end makes the controller mark the Rollout InvalidSpec, and so does one of an init container that is no sidecar. Source: Argo ' +
    'Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation (validateLifecycle, validateHandler, validateHTTPGetAction, validateSleepAction, validateInitContainers), which it calls.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages,
  check(context, rollout) {
    const grace =
      optionalNumber(dig(ownTemplate(rollout), 'spec', 'terminationGracePeriodSeconds')) ?? DEFAULT_GRACE_PERIOD;
    for (const entry of ownContainers(rollout)) {
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
        judge(context, subject);
        judgeHeaders(context, subject);
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

function judge(context: RuleContext<typeof messages>, { config, grace, path, anchor, data }: Hook): void {
  const handlers = HANDLERS.filter((handler) => isObject(config[handler]));
  if (handlers.length !== 1)
    context.report('handler', {
      path,
      anchor,
      data: { ...data, handlers: handlers.length === 0 ? 'nothing to do' : handlers.join(' and ') },
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
        port: typeof port === 'string' || typeof port === 'number' ? `the port ${JSON.stringify(port)}` : 'no port',
      },
    });
  }
  const seconds = optionalNumber(dig(config, 'sleep', 'seconds')) ?? 0;
  if (isObject(config['sleep']) && (seconds < 1 || seconds > grace))
    context.report('sleep', { path: [...path, 'sleep', 'seconds'], anchor, data: { ...data, seconds, grace } });
}

function judgeHeaders(context: RuleContext<typeof messages>, { config, path, anchor, data }: Hook): void {
  for (const [index, header] of asArray(dig(config, 'httpGet', 'httpHeaders')).entries()) {
    const name = dig(header, 'name');
    if (typeof name !== 'string' || isHeaderName(name)) continue;
    const named = name === '' ? 'without a name' : `named "${name}"`;
    context.report('header', {
      path: [...path, 'httpGet', 'httpHeaders', index, 'name'],
      anchor: `${anchor} ${name}`,
      data: { ...data, named },
    });
  }
}
