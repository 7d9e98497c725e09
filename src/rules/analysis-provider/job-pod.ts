import { containersOf, renderContainer, type Container } from '../../world/containers.ts';
import { isDnsLabel, isLabelKey, isLabelValue } from '../../world/names.ts';
import type { Path } from '../../world/path.ts';
import { asArray, asString, dig, optionalString, stringMap } from '../../world/read.ts';
import type { Context } from './messages.ts';
import type { Provider } from './providers.ts';

const NAME = 'use at most 63 characters of a-z, 0-9 and "-", starting and ending with a letter or digit';
/** What a label may be, as an instruction. */
export const LABEL = 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit';

/**
 * Checks what the API server rejects of the pod template of a Job. Texts with placeholders are not checked. Source:
 * Kubernetes v1.34, `pkg/apis/core/validation` (`ValidatePodTemplateSpec`).
 */
export function checkJobPod(context: Context, { metric, settings, path }: Provider): void {
  const pod = dig(settings, 'spec', 'template');
  const at = [...path, 'spec', 'template'];
  const report = (where: Path, problem: string, remedy: string): void => {
    context.report('jobPod', { path: where, anchor: `${metric} ${problem}`, data: { metric, problem, remedy } });
  };
  if (asArray(dig(pod, 'spec', 'ephemeralContainers')).length > 0)
    report([...at, 'spec', 'ephemeralContainers'], 'ephemeralContainers', 'remove them');
  for (const [key, label] of invalidLabels(pod))
    report([...at, 'metadata', 'labels', key], `the invalid label ${label}`, LABEL);
  const volumes = checkVolumes(pod, [...at, 'spec', 'volumes'], report);
  const names = new Set<string>();
  for (const container of containersOf({ spec: dig(pod, 'spec') }, at)) {
    checkContainer(context, metric, container, volumes, report);
    const { name, list } = container;
    // analysis-job has those with the same name in one list.
    if (name !== '' && list === 'initContainers' && names.has(name))
      report([...container.path, 'name'], `two containers named "${name}"`, 'rename one; init containers count too');
    if (list === 'containers') names.add(name);
  }
}

// The controller writes this one itself: in the Job, and from 1.10 on in its pods (`metricproviders/job`, newMetricJob).
const OF_CONTROLLER = 'analysisrun.argoproj.io/uid';

/**
 * Returns the labels of an object that are not valid, each with its key. Labels with placeholders, and the one that the
 * controller writes, are not checked.
 */
export function invalidLabels(object: unknown): (readonly [key: string, label: string])[] {
  return [...stringMap(dig(object, 'metadata', 'labels'))].flatMap(([key, value]) =>
    key === OF_CONTROLLER || value.includes('{{') || key.includes('{{') || (isLabelKey(key) && isLabelValue(value))
      ? []
      : [[key, `${key}="${value}"`] as const],
  );
}

type Report = (where: Path, problem: string, remedy: string) => void;

// Undefined if the name of a volume is not known.
function checkVolumes(pod: unknown, path: Path, report: Report): ReadonlySet<string> | undefined {
  const volumes = new Set<string>();
  let isKnown = true;
  for (const [index, volume] of asArray(dig(pod, 'spec', 'volumes')).entries()) {
    const name = asString(dig(volume, 'name'));
    if (name.includes('{{')) isKnown = false;
    else if (name !== '' && volumes.has(name))
      report([...path, index, 'name'], `two volumes named "${name}"`, 'rename one of them');
    else if (name !== '' && !isDnsLabel(name))
      report([...path, index, 'name'], `a volume with the invalid name "${name}"`, NAME);
    volumes.add(name);
  }
  return isKnown ? volumes : undefined;
}

function checkContainer(
  context: Context,
  metric: string,
  container: Container,
  volumes: ReadonlySet<string> | undefined,
  report: Report,
): void {
  const { name, path, raw } = container;
  const text = renderContainer(container);
  if (name !== '' && !name.includes('{{') && !isDnsLabel(name))
    report([...path, 'name'], `${text}, which is not a valid name`, NAME);
  if (optionalString(raw['image']) === undefined) report([...path, 'image'], `no image for ${text}`, 'set image');
  for (const [index, mount] of asArray(raw['volumeMounts']).entries()) {
    const volume = asString(dig(mount, 'name'));
    if (volumes === undefined || volume === '' || volume.includes('{{') || volumes.has(volume)) continue;
    context.report('jobMount', {
      path: [...path, 'volumeMounts', index, 'name'],
      anchor: `${metric} ${name} ${volume}`,
      data: { metric, volume, container: text },
    });
  }
}
