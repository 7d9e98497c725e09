/**
 * What errors of a metric lead to, as the end of a sentence. Five, because consecutiveErrorLimit is 4 by default. Source:
 * Argo Rollouts v1.9.1, `analysis` (`assessMetricFailureInconclusiveOrError`), `utils/defaults`
 * (`DefaultConsecutiveErrorLimit`).
 */
export const AFTER_FIVE_ERRORS = 'after five errors in a row the analysis ends in an error, which aborts the update';

/** The same of a metric of which no measurement works. */
export const ENDS_IN_ERROR = `Each measurement is then an error, and ${AFTER_FIVE_ERRORS}.`;
