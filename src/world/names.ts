/**
 * The syntax of names in Kubernetes, from `k8s.io/apimachinery` v0.34 (`pkg/util/validation`), the version with which
 * Argo Rollouts v1.9.1 validates. Lengths are tested first, so that no pattern runs over a long text.
 */

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const ENVIRONMENT_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/**
 * Reports whether a text is a DNS label (RFC 1123), as for containers and volumes: at most 63 of a-z, 0-9 and inner
 * hyphens.
 */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && DNS_LABEL.test(text);
}

/**
 * Reports whether a text is a DNS subdomain (RFC 1123): at most 253 characters, parts like DNS labels separated by
 * dots.
 */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((part) => DNS_LABEL.test(part));
}

/**
 * Reports whether a text is a valid label key: a name of at most 63 characters, optionally after a DNS subdomain and a
 * slash.
 */
export function isLabelKey(text: string): boolean {
  if (text.length > 317) return false;
  const [first = '', second, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  if (second === undefined) return isLabelName(first);
  return isDnsSubdomain(first) && isLabelName(second);
}

/** Reports whether a text is a valid label value; the empty one is. */
export function isLabelValue(text: string): boolean {
  return text === '' || isLabelName(text);
}

function isLabelName(text: string): boolean {
  return text.length <= 63 && LABEL_NAME.test(text);
}

/**
 * Reports whether a text is a valid port name (IANA service name): at most 15 of a-z, 0-9 and inner single hyphens,
 * with at least one letter.
 */
export function isPortName(text: string): boolean {
  return text.length <= 15 && DNS_LABEL.test(text) && /[a-z]/.test(text) && !text.includes('--');
}

/** Reports whether a number is a valid port number. */
export function isPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/**
 * Reports whether Argo Rollouts v1.9.1 accepts a text as the name of an environment variable; newer Kubernetes accepts
 * more in a Pod.
 */
export function isEnvironmentName(text: string): boolean {
  return text !== '.' && !text.startsWith('..') && ENVIRONMENT_NAME.test(text);
}

const HEADER_NAME = /^[-A-Za-z0-9]+$/;

/** Reports whether Kubernetes accepts a text as the name of a header in a probe or a hook. */
export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text);
}

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

/**
 * Reports whether a text is a valid key of a ConfigMap or Secret: at most 253 letters, digits, "-", "_" and ".",
 * without a reference to a parent directory.
 */
export function isConfigKey(text: string): boolean {
  return text.length <= 253 && CONFIG_KEY.test(text) && text !== '.' && !text.startsWith('..');
}
