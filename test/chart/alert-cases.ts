/** Time series by name: one value a minute from the start, as promtool writes them. */
export type Series = Readonly<Record<string, string>>;

/** When an alert fires, and when it does not although it nearly does. */
export interface AlertCase {
  readonly fires: Series;
  /** The labels that the alert has in addition to its own. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly quiet: Series;
}

/** When both are evaluated. */
export const EVALUATED_AT = '120m';

const always = (value: number): string => `${value}+0x120`;
/** A counter that rises by a step a minute. */
const rising = (step = 1): string => `0+${step}x120`;
/** A counter that rose until an hour ago. */
const LONG_AGO = '0+1x60 60+0x60';
const DAY = 86_400;

const FAIL_OPEN = 'apiserver_admission_webhook_fail_open_count';
const REJECTIONS = 'apiserver_admission_webhook_rejection_count';

function latency(quick: number, slow: number): Series {
  const bucket = (le: string): string => `rollgate_admission_duration_seconds_bucket{webhook="mutate",le="${le}"}`;
  return {
    [bucket('0.01')]: rising(quick),
    [bucket('1')]: rising(quick),
    [bucket('2.5')]: rising(quick + slow),
    [bucket('+Inf')]: rising(quick + slow),
  };
}

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  RollgateDown: {
    // It was scraped until an hour ago.
    fires: { 'rollgate_build_info{version="1",instance="a"}': '1+0x60 _x60' },
    quiet: { 'rollgate_build_info{version="1",instance="a"}': '_x118 1+0x2' },
  },
  RollgateCallsFail: {
    fires: { [`${FAIL_OPEN}{name="argoproj.validate.rollgate.io",type="validating"}`]: rising() },
    quiet: {
      [`${FAIL_OPEN}{name="argoproj.validate.rollgate.io",type="validating"}`]: LONG_AGO,
      [`${FAIL_OPEN}{name="other.example.com",type="validating"}`]: rising(),
    },
  },
  RollgateCallsRejected: {
    fires: {
      [`${REJECTIONS}{name="istio.mutate.rollgate.io",type="admit",error_type="calling_webhook_error"}`]: rising(),
    },
    quiet: {
      // A denial of Rollgate.
      [`${REJECTIONS}{name="istio.mutate.rollgate.io",type="validating",error_type="no_error"}`]: rising(),
      [`${REJECTIONS}{name="other.example.com",type="admit",error_type="calling_webhook_error"}`]: rising(),
    },
  },
  RollgateSlow: { fires: latency(90, 10), labels: { webhook: 'mutate' }, quiet: latency(1_000, 1) },
  RollgateShedding: { fires: { rollgate_shed_total: rising() }, quiet: { rollgate_shed_total: LONG_AGO } },
  RollgateInternalErrors: {
    fires: { 'rollgate_internal_errors_total{webhook="mutate"}': rising(), rollgate_bad_patches_total: always(0) },
    quiet: { 'rollgate_internal_errors_total{webhook="mutate"}': LONG_AGO, rollgate_bad_patches_total: always(3) },
  },
  RollgateRuleErrors: {
    fires: {
      'rollgate_rule_errors_total{rule="rollout-steps"}': rising(),
      'rollgate_rule_errors_total{rule="rollout-selector"}': always(0),
    },
    labels: { rule: 'rollout-steps' },
    quiet: { 'rollgate_rule_errors_total{rule="rollout-steps"}': LONG_AGO },
  },
  RollgateCacheStale: {
    fires: {
      'rollgate_cache_staleness_seconds{kind="Service",instance="a"}': '0+60x120',
      'rollgate_cache_staleness_seconds{kind="Ingress.networking.k8s.io",instance="a"}': always(70),
    },
    labels: { kind: 'Service' },
    // A watch without bookmarks ends after at most ten minutes.
    quiet: { 'rollgate_cache_staleness_seconds{kind="Service",instance="a"}': always(660) },
  },
  RollgateCacheNotSynced: {
    fires: {
      'rollgate_cache_synced{kind="Service",instance="a"}': always(0),
      'rollgate_cache_synced{kind="Service",instance="b"}': always(1),
    },
    labels: { kind: 'Service' },
    // A process that has started a few minutes ago.
    quiet: { 'rollgate_cache_synced{kind="Service",instance="a"}': '_x110 0+0x10' },
  },
  RollgateCacheFull: {
    fires: { 'rollgate_cache_name_only{kind="Service"}': always(2) },
    labels: { kind: 'Service' },
    quiet: { 'rollgate_cache_name_only{kind="Service"}': '0+0x100 2+0x20' },
  },
  RollgateCertificateExpires: {
    fires: { rollgate_certificate_not_after_timestamp_seconds: always(6 * DAY) },
    quiet: { rollgate_certificate_not_after_timestamp_seconds: always(8 * DAY) },
  },
  RollgateCertificateReloadFailed: {
    fires: { 'rollgate_certificate_reloads_total{result="error"}': rising(12) },
    quiet: {
      // The kubelet had written one of two files.
      'rollgate_certificate_reloads_total{result="error"}': '0+0x114 1+0x6',
      'rollgate_certificate_reloads_total{result="success"}': rising(),
    },
  },
  RollgatePolicyReloadFailed: {
    fires: { 'rollgate_policy_reloads_total{result="error"}': rising(12) },
    quiet: {
      'rollgate_policy_reloads_total{result="error"}': LONG_AGO,
      'rollgate_policy_reloads_total{result="success"}': rising(),
    },
  },
  RollgateKeepsOff: {
    fires: { 'rollgate_keeps_off{instance="a"}': always(1), 'rollgate_keeps_off{instance="b"}': always(0) },
    // Argo Rollouts was away for a few minutes.
    quiet: { 'rollgate_keeps_off{instance="a"}': '0+0x112 1+0x7' },
  },
  RollgateTripwire: { fires: { rollgate_tripwire_total: rising() }, quiet: { rollgate_tripwire_total: LONG_AGO } },
  RollgateUntrustedControllers: {
    fires: { rollgate_untrusted_controllers: always(1) },
    quiet: { rollgate_untrusted_controllers: '0+0x70 1+0x50' },
  },
  RollgateConversionPolicyMissing: {
    fires: { rollgate_conversion_policy_ok: always(0) },
    quiet: { rollgate_conversion_policy_ok: '1+0x116 0+0x4' },
  },
  RollgateConversionLeaderMissing: {
    fires: { 'rollgate_conversion_leader{instance="a"}': always(0) },
    quiet: {
      'rollgate_conversion_leader{instance="a"}': always(0),
      'rollgate_conversion_leader{instance="b"}': always(1),
    },
  },
  RollgateConversionsFail: {
    fires: { 'rollgate_conversion_steps_total{step="create",result="error"}': rising() },
    labels: { step: 'create' },
    quiet: {
      // Many conversions that met other clients at one time.
      'rollgate_conversion_steps_total{step="create",result="error"}': '0+0x100 20+0x20',
      'rollgate_conversion_steps_total{step="create",result="success"}': rising(),
    },
  },
  RollgateContradictionsStand: {
    fires: { rollgate_contradictions_standing: always(1) },
    // Fixed within five minutes.
    quiet: { rollgate_contradictions_standing: '0+0x117 1+0x3' },
  },
  RollgateDrift: {
    // Each replica counts the same.
    fires: { 'rollgate_drift{what="weights",namespace="shop"}': always(1) },
    labels: { what: 'weights', namespace: 'shop' },
    quiet: { 'rollgate_drift{what="weights",namespace="shop"}': '0+0x117 1+0x3' },
  },
  RollgateQuestionsShed: {
    fires: { 'rollgate_api_questions_total{question="token",result="shed"}': rising(60) },
    labels: { question: 'token' },
    quiet: {
      'rollgate_api_questions_total{question="token",result="shed"}': rising(1),
      'rollgate_api_questions_total{question="token",result="allowed"}': rising(600),
    },
  },
  RollgateLogLinesDropped: {
    fires: { rollgate_log_lines_dropped_total: rising() },
    quiet: { rollgate_log_lines_dropped_total: LONG_AGO },
  },
};
