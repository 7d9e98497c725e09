import { isDnsSubdomain } from '../../world/names.ts';
import { asObject, asString, dig } from '../../world/read.ts';
import { checkJobPod, invalidLabels, LABEL } from './job-pod.ts';
import type { Context } from './messages.ts';
import type { Provider } from './providers.ts';

const POD = ['spec', 'template', 'spec'];
// What the uid of the run, two dots and the first digits of a count leave of 63 characters.
const MAX_NAME = 24;
const RESTART_POLICIES: ReadonlySet<string> = new Set(['Never', 'OnFailure']);
const GENERATED_LABEL = /^(batch\.kubernetes\.io\/)?(controller-uid|job-name)$/;
const NUMBERS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];

/**
 * Checks what the API server rejects of the Job that the controller creates for a metric. Source: Argo Rollouts v1.9.1,
 * `metricproviders/job` (`newJobName`); Kubernetes v1.34, `pkg/apis/batch/validation` (`ValidateJob`).
 */
export function checkJob(context: Context, provider: Provider): void {
  const { settings, path, metric } = provider;
  const containers = dig(settings, ...POD, 'containers');
  // Without the list it is no Job at all, which the schema says.
  if (!Array.isArray(containers)) return;
  if (containers.length === 0) {
    const data = { metric, problem: 'no containers', remedy: 'add one' };
    context.report('jobPod', { path: [...path, ...POD, 'containers'], anchor: `${metric} containers`, data });
    return;
  }
  checkRestartPolicy(context, provider);
  checkName(context, provider);
  checkJobPod(context, provider);
  for (const [key, label] of invalidLabels(settings)) {
    const at = { path: [...path, 'metadata', 'labels', key], anchor: `${metric} ${key}` };
    context.report('jobLabel', { ...at, data: { metric, label, remedy: LABEL } });
  }
  const spec = dig(settings, 'spec');
  if (hasOwnLabels(dig(spec, 'selector')) && dig(spec, 'manualSelector') !== true)
    context.report('jobSelector', { path: [...path, 'spec', 'selector'], anchor: metric, data: { metric } });
  for (const field of NUMBERS) {
    const value = dig(spec, field);
    if (typeof value !== 'number' || value >= 0) continue;
    const at = { path: [...path, 'spec', field], anchor: `${metric} ${field}` };
    context.report('jobNumber', { ...at, data: { metric, field, value } });
  }
}

// The API server adds its own labels to the selector and to the pods. Expressions may be about these, and are rare.
function hasOwnLabels(selector: unknown): boolean {
  return Object.keys(asObject(dig(selector, 'matchLabels'))).some((label) => !GENERATED_LABEL.test(label));
}

function checkRestartPolicy(context: Context, { metric, settings, path }: Provider): void {
  const policy = asString(dig(settings, ...POD, 'restartPolicy'));
  if (RESTART_POLICIES.has(policy) || policy.includes('{{')) return;
  context.report('restartPolicy', {
    path: [...path, ...POD, ...(policy === '' ? [] : ['restartPolicy'])],
    anchor: metric,
    data: { metric, policy: policy === '' ? 'no restartPolicy' : `restartPolicy ${policy}` },
  });
}

function checkName(context: Context, { metric, path }: Provider): void {
  const name = metric.slice(0, MAX_NAME);
  if (metric.includes('{{') || isDnsSubdomain(`0.${name}.1`)) return;
  const remedy = isDnsSubdomain(`0.${metric}.1`)
    ? `its first ${MAX_NAME} characters, all that fit in, have to end with a letter or digit`
    : 'use lowercase letters, digits and hyphens, with a letter or digit at both ends';
  context.report('jobName', { path, anchor: metric, data: { metric, name, remedy } });
}
