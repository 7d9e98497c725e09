import { Command } from 'commander';
import { ApiError } from '../cluster/api-error.ts';
import { createDryRun } from '../cluster/dry-run-create.ts';
import { messageOf } from '../world/error.ts';
import type { KubeObject } from '../world/object.ts';
import { kubeConfigOf, type ClusterOptions } from './cluster.ts';
import { EXIT, type Io } from './io.ts';

// At the end of every finding that Rollgate reports.
const TAG = /\[rollgate\/[a-z-]+\]/;
// As the API server says it of a kind: in plain text if the group is missing, else in a Status.
const NOT_SERVED: ReadonlySet<string> = new Set(['HTTP 404', 'the server could not find the requested resource']);
// As the API server says it with failurePolicy Fail.
const NOT_REACHED = /failed calling webhook "[^"]+\.rollgate\.io"/;

/** Returns a Rollout with two mistakes that Argo Rollouts would reject: a policy may turn one rule off. */
export function invalidRollout(namespace: string): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'rollgate-self-test', namespace },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'rollgate-self-test' } },
      strategy: { canary: { steps: [{ setWeight: 120 }] } },
      template: {
        metadata: { labels: { app: 'another' } },
        spec: { containers: [{ name: 'none', image: 'registry.k8s.io/pause:3.10' }] },
      },
    },
  };
}

/** What an invalid Rollout showed about Rollgate. */
export type SelfTest =
  | { readonly answered: 'denial' | 'warning'; readonly text: string }
  /** The API server did not reach Rollgate, or did not ask it. */
  | { readonly answered: 'nothing'; readonly text: string }
  /** The API server rejected the Rollout for a reason of its own. */
  | { readonly answered: 'unknown'; readonly text: string };

/**
 * Sends an invalid Rollout as a server-side dry run, and returns what came back.
 *
 * @param send - Returns the warnings of the API server, and throws what it rejects with.
 */
export async function selfTest(namespace: string, send: (rollout: KubeObject) => Promise<string[]>): Promise<SelfTest> {
  try {
    const warning = (await send(invalidRollout(namespace))).find((text) => TAG.test(text));
    return warning === undefined
      ? { answered: 'nothing', text: 'the API server admitted an invalid Rollout without a warning' }
      : { answered: 'warning', text: warning };
  } catch (error) {
    const text = messageOf(error);
    if (!(error instanceof ApiError)) return { answered: 'unknown', text };
    if (TAG.test(text)) return { answered: 'denial', text };
    if (NOT_SERVED.has(text))
      return {
        answered: 'unknown',
        text: 'the cluster has no Rollouts (argoproj.io/v1alpha1): install Argo Rollouts first',
      };
    return { answered: NOT_REACHED.test(text) ? 'nothing' : 'unknown', text };
  }
}

const WHAT_TO_CHECK = [
  'Check, in this order:',
  '1. All pods are ready. With the chart value nameOverride, write its value instead of rollgate, also in 2:',
  '   kubectl get pods --all-namespaces --selector app.kubernetes.io/name=rollgate',
  '2. The webhooks exist and have a caBundle:',
  '   kubectl get validatingwebhookconfigurations --selector app.kubernetes.io/name=rollgate --output yaml',
  '3. The API server reaches the pods, and trusts their certificate. A firewall or a NetworkPolicy may block their port.',
  '   caBundle must be the CA of the certificate, and SERVICE.NAMESPACE.svc one of its DNS names. The API server counts',
  '   the requests that it could not send:',
  "   kubectl get --raw /metrics | grep 'webhook_fail_open_count.*rollgate'",
  '4. The webhooks leave out neither the namespace (namespaceSelector) nor a Rollout without labels (objectSelector),',
  '   and no exemption of the policy names the namespace.',
  '5. The policy turns neither rollout-steps nor rollout-selector off in the namespace.',
];

type Given = ClusterOptions & { readonly namespace: string };

/**
 * Returns the command `rollgate self-test`, which `helm test` runs. Its exit code is 0 if Rollgate answered, 1 if it
 * did not, 2 if that could not be tested.
 *
 * @param exit - Called with the exit code.
 */
export function selfTestCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('self-test')
    .description('send an invalid Rollout as a server-side dry run, and report whether Rollgate answers')
    .option('-n, --namespace <name>', 'the namespace of the Rollout, in which you may create Rollouts', 'default')
    .option('--kubeconfig <file>', 'the kubeconfig (default: what kubectl uses)')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .action(async (options: Given) => {
      const { namespace } = options;
      const kubeConfig = kubeConfigOf(options);
      const result = await selfTest(namespace, (rollout) => createDryRun(kubeConfig, 'Rollout.argoproj.io', rollout));
      switch (result.answered) {
        case 'denial':
        case 'warning': {
          const what = result.answered === 'denial' ? 'denied' : 'warned about';
          io.stdout.write(`Rollgate answered: it ${what} an invalid Rollout in namespace "${namespace}".\n`);
          io.stdout.write(`${result.text}\n`);
          exit(EXIT.clean);
          break;
        }
        case 'nothing':
          io.stderr.write(`rollgate self-test: no answer from Rollgate in namespace "${namespace}": ${result.text}\n`);
          io.stderr.write(`${WHAT_TO_CHECK.join('\n')}\n`);
          exit(EXIT.denied);
          break;
        case 'unknown':
          io.stderr.write(`rollgate self-test: nothing was tested in namespace "${namespace}": ${result.text}\n`);
          exit(EXIT.failed);
      }
    });
}
