import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DecisionRecord } from '../admission/gate.ts';
import { countsOf } from './finding-counts.ts';
import type { Request } from '../admission/review.ts';
import type { KindId } from '../world/object.ts';
import type { QuestionKind, QuestionMetrics, QuestionResult } from './authorization.ts';
import { collectedGauge, collectedTotal, registerSources, type MetricSources } from './source-metrics.ts';
import type { Webhook } from './log.ts';
import type { DriftCount } from './drift-watch.ts';
import type { EventResult } from './object-events.ts';

type Verdict = DecisionRecord['verdict'] | 'error';

const QUESTIONS: readonly QuestionKind[] = ['token', 'access'];
const QUESTION_RESULTS: readonly QuestionResult[] = ['allowed', 'denied', 'remembered', 'shed', 'error'];
const DECISIONS = [
  ['deny', 'false'],
  ['warn', 'false'],
  ['warn', 'true'],
] as const;
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
// A series that appears with its first denial has no rate at that moment. For the most important kinds it exists from
// the start.
const SEEDED_KINDS: readonly KindId[] = [
  'Rollout.argoproj.io',
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
  'Experiment.argoproj.io',
];

/**
 * All metrics, in their own registry. Labels are bounded: they contain no names or users, and kinds that Rollgate does not
 * know are `other`. Only drift has namespaces, a hundred at most.
 */
export class Metrics implements QuestionMetrics {
  readonly registry = new Registry();

  readonly #requests = this.#counter('rollgate_admission_requests_total', 'Answered admission requests.', [
    'webhook',
    'operation',
    'kind',
    'verdict',
    'dry_run',
  ]);
  readonly #duration = new Histogram({
    name: 'rollgate_admission_duration_seconds',
    help: 'Time from the arrival of an admission request to its answer.',
    labelNames: ['webhook', 'operation'],
    buckets: BUCKETS,
    registers: [this.registry],
  });
  readonly #unreadable = this.#counter(
    'rollgate_unreadable_requests_total',
    'Requests to a webhook that were not an AdmissionReview, by HTTP status.',
    ['webhook', 'code'],
  );
  readonly #findings = this.#counter(
    'rollgate_findings_total',
    'Findings that admission requests introduced, by decision, and whether enforce mode would deny what is a warning.',
    ['rule', 'decision', 'would_deny'],
  );
  readonly #skipped = this.#counter(
    'rollgate_skipped_total',
    'Admission requests for which a rule was skipped; * stands for all rules.',
    ['rule'],
  );
  readonly #kept = this.#counter(
    'rollgate_kept_total',
    'Admission requests in which a value of the controller was kept.',
    ['keep'],
  );
  readonly #ruleErrors = this.#counter(
    'rollgate_rule_errors_total',
    'Rules that failed with an internal error. Any is a bug in Rollgate.',
    ['rule'],
  );
  readonly #internalErrors = this.#counter(
    'rollgate_internal_errors_total',
    'Admission requests that were not checked because of an internal error. Any is a bug in Rollgate.',
    ['webhook'],
  );
  readonly #shed = this.#counter(
    'rollgate_shed_total',
    'Requests that were rejected because too many were in progress.',
    [],
  );
  readonly #tripwire = this.#counter(
    'rollgate_tripwire_total',
    'Requests of a controller or a router plugin whose account is not known. Nothing was kept in them.',
    [],
  );
  readonly #badPatches = this.#counter(
    'rollgate_bad_patches_total',
    'Patches that were not sent because they did not apply. Any is a bug in Rollgate.',
    [],
  );
  readonly #breakGlass = this.#counter(
    'rollgate_break_glass_total',
    'Requests that were allowed by a break-glass annotation.',
    [],
  );
  readonly #certificateReloads = this.#counter(
    'rollgate_certificate_reloads_total',
    'Attempts to load a changed certificate.',
    ['result'],
  );
  readonly #policyReloads = this.#counter('rollgate_policy_reloads_total', 'Attempts to load a changed policy.', [
    'result',
  ]);
  readonly #conversions = this.#counter(
    'rollgate_conversion_steps_total',
    'Steps of conversions from Deployments to Rollouts, and back.',
    ['step', 'result'],
  );
  readonly #events = this.#counter('rollgate_events_total', 'Events about objects, by what became of them.', [
    'result',
  ]);
  readonly #dryRuns = this.#counter('rollgate_dry_runs_total', 'Responses of the dry-run endpoint, by HTTP status.', [
    'code',
  ]);

  readonly #questions = this.#counter(
    'rollgate_api_questions_total',
    'Questions to the API server about tokens and permissions, by outcome.',
    ['question', 'result'],
  );

  readonly #notAfter = new Gauge({
    name: 'rollgate_certificate_not_after_timestamp_seconds',
    help: 'When the serving certificate expires.',
    registers: [this.registry],
  });

  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.registry });
    registerSources(this.registry, sources);
    this.#seed(sources);
  }

  /** Counts an answered admission request. */
  decided(webhook: Webhook, request: Request, record: DecisionRecord, seconds: number): void {
    this.#answered(webhook, request, record.verdict, seconds);
    for (const { rule, decision, wouldDeny, count } of countsOf(record))
      this.#findings.inc({ rule, decision, would_deny: String(wouldDeny) }, count);
    for (const { failed } of record.findings) if (failed !== undefined) this.#ruleErrors.inc({ rule: failed });
    for (const rule of new Set(record.skipped.map((skip) => skip.rule))) this.#skipped.inc({ rule });
    for (const keep of record.kept) this.#kept.inc({ keep });
    if (record.tripwire !== undefined) this.#tripwire.inc();
    if (record.badPatch !== undefined) this.#badPatches.inc();
    if (record.breakGlass !== undefined) this.#breakGlass.inc();
  }

  /** Counts an admission request whose check failed. */
  failed(webhook: Webhook, request: Request, seconds: number): void {
    this.#answered(webhook, request, 'error', seconds);
    this.#internalErrors.inc({ webhook });
  }

  /** Counts a request that could not be read. */
  unreadable(webhook: Webhook, code: number): void {
    this.#unreadable.inc({ webhook, code });
  }

  /** Counts a request that was rejected because of load. */
  shed(): void {
    this.#shed.inc();
  }

  /** Records when the serving certificate expires. */
  serving(notAfter: Date): void {
    this.#notAfter.set(notAfter.getTime() / 1000);
  }

  /** Counts an attempt to load a changed file. */
  reloaded(what: 'certificate' | 'policy', result: 'success' | 'error'): void {
    (what === 'certificate' ? this.#certificateReloads : this.#policyReloads).inc({ result });
  }

  /** Adds a gauge that shows whether a fallback takes the place of the policy. */
  policyFallback(isFallback: () => boolean): void {
    collectedGauge(
      this.registry,

      'rollgate_policy_fallback',
      '1 while Rollgate has not read a valid policy since it started, so it denies nothing and converts nothing.',
      [],
      (gauge) => gauge.set(isFallback() ? 1 : 0),
    );
  }

  /** Counts a step of a conversion. */
  converted(step: string, result: 'success' | 'error'): void {
    this.#conversions.inc({ step, result });
  }

  /** Adds a gauge that shows whether this process converts Deployments. */
  leading(leading: () => boolean): void {
    collectedGauge(
      this.registry,
      'rollgate_conversion_leader',
      '1 in the process that converts Deployments.',
      [],
      (gauge) => gauge.set(leading() ? 1 : 0),
    );
  }

  /**
   * Adds a gauge that shows whether the conversion policy is in place.
   *
   * @param ok - Returns undefined until that is known; the gauge then has no value.
   */
  protectedBy(ok: () => boolean | undefined): void {
    collectedGauge(
      this.registry,

      'rollgate_conversion_policy_ok',
      '1 if the ValidatingAdmissionPolicy for conversion is in place; 0 while no Rollouts are created without it.',
      [],
      (gauge) => {
        const known = ok();
        if (known === undefined) gauge.reset();
        else gauge.set(known ? 1 : 0);
      },
    );
  }

  /** Adds a gauge of the namespaces whose label names nothing in the policy, by label. */
  unknownLabels(counts: () => Readonly<Record<string, number>>): void {
    collectedGauge(
      this.registry,

      'rollgate_unknown_labels',
      'Namespaces with a label that names no override or no profile of the policy.',
      ['label'],
      (gauge) => {
        for (const [label, count] of Object.entries(counts())) gauge.set({ label }, count);
      },
    );
  }

  /** Counts an Event about an object. */
  event(result: EventResult): void {
    this.#events.inc({ result });
  }

  /** Adds the objects with contradictions that a reconciler wrote and that still stand. */
  followUps(followUps: { readonly standing: number; readonly dropped: number }): void {
    collectedGauge(
      this.registry,
      'rollgate_contradictions_standing',
      'Objects with a contradiction that a reconciler wrote at least a minute ago, and that still stands.',
      [],
      (gauge) => gauge.set(followUps.standing),
    );
    collectedTotal(
      this.registry,
      'rollgate_contradictions_untracked_total',
      'Objects whose contradictions were not followed up, because there were too many.',
      () => followUps.dropped,
    );
  }

  /** Adds a gauge of the values that have differed from the status of their Rollouts for a minute. */
  drift(counts: () => readonly DriftCount[]): void {
    collectedGauge(
      this.registry,
      'rollgate_drift',
      'Weights, hashes and header routes that have differed from what the controller wrote for a minute, by kind and namespace.',
      ['what', 'namespace'],
      (gauge) => {
        gauge.reset();
        for (const { what, namespace, count } of counts()) gauge.set({ what, namespace }, count);
      },
    );
  }

  /** Counts a response of the dry-run endpoint. */
  dryRun(code: number): void {
    this.#dryRuns.inc({ code });
  }

  /** Counts the outcome of a question about a token or a permission. */
  question(question: QuestionKind, result: QuestionResult): void {
    this.#questions.inc({ question, result });
  }

  /** Adds a gauge of the questions to the API server that are under way. */
  questionsInFlight(count: (question: QuestionKind) => number): void {
    collectedGauge(
      this.registry,

      'rollgate_api_questions_in_flight',
      'Questions to the API server about tokens and permissions that are under way.',
      ['question'],
      (gauge) => {
        for (const question of QUESTIONS) gauge.set({ question }, count(question));
      },
    );
  }

  /** Adds the connections of the HTTPS port: how many are open, and how many were closed for others. */
  connections(limiter: { readonly open: number; readonly closed: number }): void {
    collectedGauge(this.registry, 'rollgate_connections', 'Open connections of the HTTPS port.', [], (gauge) =>
      gauge.set(limiter.open),
    );
    collectedTotal(
      this.registry,

      'rollgate_connections_closed_total',
      'Idle connections that were closed because too many were open.',
      () => limiter.closed,
    );
  }

  #answered(webhook: Webhook, request: Request, verdict: Verdict, seconds: number): void {
    this.#requests.inc({
      webhook,
      operation: request.operation,
      kind: request.kindId ?? 'other',
      verdict,
      dry_run: String(request.dryRun),
    });
    this.#duration.observe({ webhook, operation: request.operation }, seconds);
  }

  #seed({ rules, keeps }: MetricSources): void {
    for (const rule of rules) {
      for (const [decision, wouldDeny] of DECISIONS) this.#findings.inc({ rule, decision, would_deny: wouldDeny }, 0);
      this.#skipped.inc({ rule }, 0);
      this.#ruleErrors.inc({ rule }, 0);
    }
    for (const question of QUESTIONS) {
      for (const result of QUESTION_RESULTS) this.#questions.inc({ question, result }, 0);
    }
    for (const keep of keeps) this.#kept.inc({ keep }, 0);
    for (const result of ['success', 'error']) {
      this.#certificateReloads.inc({ result }, 0);
      this.#policyReloads.inc({ result }, 0);
    }
    for (const webhook of ['mutate', 'validate']) this.#internalErrors.inc({ webhook }, 0);
    for (const kind of SEEDED_KINDS) {
      for (const operation of ['CREATE', 'UPDATE']) {
        for (const verdict of ['allow', 'warn', 'deny'])
          this.#requests.inc({ webhook: 'validate', operation, kind, verdict, dry_run: 'false' }, 0);
      }
    }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
