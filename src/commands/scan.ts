import { Command, Option } from 'commander';
import { decideFindings, decisionContextOf, enforced } from '../admission/decisions.ts';
import { controllerAccounts } from '../cluster/controllers.ts';
import { CONVERT, MIGRATION_RULE } from '../migration/annotations.ts';
import { DEFAULT_POLICY, worldUnder, type Policy } from '../policy/policy.ts';
import { uncoveredConversions } from '../policy/uncovered-conversions.ts';
import { unknownLabels } from '../policy/unknown-labels.ts';
import { count } from '../report/format.ts';
import { FORMAT_NAMES, formats, type FormatName } from '../report/index.ts';
import {
  inReadingOrder,
  reportedFinding,
  reportedSkips,
  type BundleReport,
  type ReportedFinding,
} from '../report/model.ts';
import type { Rule } from '../rules/define.ts';
import { evaluate } from '../rules/engine.ts';
import { sortFindings } from '../rules/finding.ts';
import { keyOf, refOf, type KindId, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { rangeText } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { RULES } from '../rules/index.ts';
import { readCluster, type ClusterOptions } from './cluster.ts';
import { EXIT, type Io } from './io.ts';
import { policyOf, withRolloutsVersion } from './lint.ts';
import { driftFindings } from './scan-drift.ts';
import { unprovenFindings } from './scan-unproven.ts';

/** The options of `rollgate scan`. */
export interface ScanOptions {
  /** Only this namespace, and cluster-scoped objects. */
  readonly namespace?: string | undefined;
  /** Count by namespace what would be denied instead of showing the findings. */
  readonly wouldDeny: boolean;
  readonly output: FormatName;
  readonly color: boolean;
}

/**
 * Returns what is wrong in a world now, as if all of it were created under a policy that enforces.
 *
 * @param policy - If it names a version of Argo Rollouts, that is what the world is judged for.
 */
export function scanWorld(
  world: World,
  rules: readonly Rule[],
  policy: Policy,
  namespace: string | undefined,
): BundleReport {
  const kinds = new Set(rules.flatMap((rule) => rule.subject));
  const subjects = [...kinds].flatMap((kind) => listed(world, kind, namespace));
  const { findings, skipped } = evaluate(worldUnder(policy, world), subjects, rules);
  const changes = subjects.map((after) => ({ before: undefined, after }));
  const context = enforced(decisionContextOf(policy, world, false));
  const decided = decideFindings(sortFindings(findings), changes, context);
  const lines = inReadingOrder([
    ...decided.map(({ finding, decision }) => reportedFinding(finding, decision, [])),
    ...labelFindings(world, policy, namespace),
    ...uncoveredFindings(world, policy, namespace),
    ...unprovenFindings(world, policy, namespace),
  ]);
  return {
    verdict: lines.some(({ decision }) => decision === 'deny') ? 'deny' : 'allow',
    findings: lines,
    skipped: reportedSkips(skipped),
    errors: [],
    objects: subjects.length,
    untrustedControllers: untrustedControllers(world, policy, namespace),
  };
}

/** Returns a report with more findings that would not be denied. */
function withFindings(report: BundleReport, more: readonly ReportedFinding[]): BundleReport {
  return more.length === 0 ? report : { ...report, findings: inReadingOrder([...report.findings, ...more]) };
}

/**
 * Returns what a scan says and another one does not: what changes with another version of Argo Rollouts, for the same
 * objects. What only the other one says is `gone`, unless the same rule still finds something in that place.
 */
export function differenceOf(report: BundleReport, other: BundleReport): BundleReport {
  const known = new Set(other.findings.map((line) => JSON.stringify(line)));
  const findings = report.findings.filter((line) => !known.has(JSON.stringify(line)));
  const verdict = findings.some(({ decision }) => decision === 'deny') ? 'deny' : 'allow';
  const skips = new Set(other.skipped.map((skip) => JSON.stringify(skip)));
  const skipped = report.skipped.filter((skip) => !skips.has(JSON.stringify(skip)));
  const placeOf = ({ rule, object, path }: ReportedFinding): string => JSON.stringify([rule, object, path]);
  const places = new Set(report.findings.map(placeOf));
  const gone = other.findings.filter((line) => !places.has(placeOf(line)));
  return { ...report, findings, verdict, skipped, gone, untrustedControllers: [] };
}

function untrustedControllers(world: World, { controllers }: Policy, namespace: string | undefined): readonly string[] {
  if (!controllers.discover) return [];
  const { untrusted } = controllerAccounts(world, controllers.namespaces);
  return namespace === undefined
    ? untrusted
    : untrusted.filter((account) => account.startsWith(`system:serviceaccount:${namespace}:`));
}

const LABEL_RULE = 'namespace-label';

// The built-in policy knows neither the overrides nor the profiles of the cluster.
function labelFindings(world: World, policy: Policy, namespace: string | undefined): ReportedFinding[] {
  return policy === DEFAULT_POLICY
    ? []
    : unknownLabels(world, policy)
        .filter((entry) => namespace === undefined || entry.namespace.metadata.name === namespace)
        .map(({ namespace: object, label, message, fix }) => ({
          rule: LABEL_RULE,
          class: 'advice',
          decision: 'warn',
          object: refOf(object),
          path: renderPath(['metadata', 'labels', label]),
          message,
          fix,
        }));
}

// Of the class of advice: nothing about them would be denied.
function uncoveredFindings(world: World, policy: Policy, namespace: string | undefined): ReportedFinding[] {
  return uncoveredConversions(world, policy, namespace).map(({ deployment, message, fix }) => ({
    rule: MIGRATION_RULE,
    class: 'advice',
    decision: 'warn',
    object: refOf(deployment),
    path: renderPath(['metadata', 'annotations', CONVERT]),
    message,
    fix,
  }));
}

/** Returns the text of a scan, and the exit code: 1 if something would be denied. */
export function renderScan(
  report: BundleReport,
  options: ScanOptions,
): { readonly text: string; readonly code: number } {
  const text = options.wouldDeny ? countByNamespace(report) : formats[options.output](report, { color: options.color });
  return { text, code: report.verdict === 'deny' ? EXIT.denied : EXIT.clean };
}

function countByNamespace(report: BundleReport): string {
  const counts = new Map<string, Map<string, number>>();
  for (const { decision, rule, object } of report.findings) {
    if (decision !== 'deny') continue;
    const rules = counts.get(object.namespace) ?? new Map<string, number>();
    rules.set(rule, (rules.get(rule) ?? 0) + 1);
    counts.set(object.namespace, rules);
  }
  if (counts.size === 0) return `Nothing would be denied (${count(report.objects, 'object')} evaluated).\n`;
  const lines = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, rules]) => {
      const total = [...rules.values()].reduce((sum, count) => sum + count, 0);
      const parts = [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([rule, count]) => `${rule} ${count}`);
      return `${namespace === '' ? '(cluster)' : namespace}\t${total}\t${parts.join(', ')}`;
    });
  return `namespace\twould be denied\tby rule\n${lines.join('\n')}\n`;
}

function listed(world: World, kind: KindId, namespace: string | undefined): readonly KubeObject[] {
  const listing = world.list(kind, namespace);
  return listing.state === 'known' ? [...listing.objects].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : [];
}

type Given = ClusterOptions & {
  readonly namespace?: string;
  readonly wouldDeny?: boolean;
  readonly policy?: string;
  readonly rolloutsVersion?: string;
  readonly output: FormatName;
  readonly color?: boolean;
};

/**
 * Returns the command `rollgate scan`. Its exit code is 0 if nothing would be denied, 1 if something would, 2 if the
 * cluster could not be read.
 *
 * @param exit - Called with the exit code.
 */
export function scanCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('scan')
    .description('report problems that are in the cluster now, and what would be denied')
    .option('-n, --namespace <name>', 'check only this namespace and cluster-scoped objects')
    .option('--would-deny', 'print only the number of denials for each namespace')
    .option('--policy <file>', 'the policy file (default: the built-in policy)')
    .option('--rollouts-version <version>', 'report only what changes with this version of Argo Rollouts, such as 1.10')
    .option('--kubeconfig <file>', 'the kubeconfig (default: what kubectl uses)')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .option('--istio-kubeconfig <file>', 'the kubeconfig of the cluster with the Istio objects, if it is another one')
    .addOption(new Option('-o, --output <format>', 'the format of the report').choices(FORMAT_NAMES).default('text'))
    .option('--no-color', 'no colors, even on a terminal')
    .action(async (options: Given) => {
      const say = (sentence: string): void => {
        io.stderr.write(`rollgate scan: ${sentence}\n`);
      };
      const policy = await policyOf({ policy: options.policy }, io.cwd, say);
      const next = policy === undefined ? undefined : withRolloutsVersion(policy, options.rolloutsVersion, say);
      if (policy === undefined || next === undefined) {
        exit(EXIT.failed);
        return;
      }
      if (io.isTTY) say('reading the cluster');
      const cluster = await readCluster(options, policy);
      try {
        if (options.policy === undefined && unknownLabels(cluster.world, policy).length > 0)
          say('the labels of some namespaces need the policy of the cluster: name its file with --policy');
        const rules = RULES.filter((rule) => !rule.lintOnly);
        const scan = (under: Policy): BundleReport => scanWorld(cluster.world, rules, under, options.namespace);
        const here = scan(policy);
        if (next !== policy)
          say(
            `showing only what changes from Argo Rollouts ${rangeText(cluster.world.versions)} to ${options.rolloutsVersion}`,
          );
        const report =
          next !== policy
            ? differenceOf(scan(next), here)
            : options.wouldDeny === true
              ? here
              : withFindings(here, await driftFindings(cluster.world, options.namespace, io, say));
        const color = io.isTTY && options.color !== false && (io.env['NO_COLOR'] ?? '') === '';
        const { text, code } = renderScan(report, {
          namespace: options.namespace,
          wouldDeny: options.wouldDeny ?? false,
          output: options.output,
          color,
        });
        io.stdout.write(text);
        exit(code);
      } finally {
        await cluster.stop();
      }
    });
}
