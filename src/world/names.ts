/**
 * The syntax of names in Kubernetes, as `k8s.io/apimachinery` v0.34 (`pkg/util/validation`) has it; it is the version
 * that Argo Rollouts v1.9.1 validates with. Lengths are tested first, so that no pattern ever runs over a long text.
 */

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const ENVIRONMENT_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/**
 * In: a text. Out: whether it is a DNS label (RFC 1123), as containers and volumes are named: at most 63 of a-z, 0-9
 * and inner hyphens.
 */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && DNS_LABEL.test(text);
}

/**
 * In: a text. Out: whether it is a DNS subdomain (RFC 1123): at most 253 characters in parts like DNS labels, with dots
 * between.
 */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((part) => DNS_LABEL.test(part));
}

/**
 * In: a text. Out: whether it can be the key of a label: a name of at most 63 characters, optionally behind a DNS
 * subdomain and a slash.
 */
export function isLabelKey(text: string): boolean {
  if (text.length > 317) return false;
  const [first = '', second, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  if (second === undefined) return isLabelName(first);
  return isDnsSubdomain(first) && isLabelName(second);
}

/** In: a text. Out: whether it can be the value of a label; the empty one can. */
export function isLabelValue(text: string): boolean {
  return text === '' || isLabelName(text);
}

function isLabelName(text: string): boolean {
  return text.length <= 63 && LABEL_NAME.test(text);
}

/**
 * In: a text. Out: whether it can be the name of a port (IANA service name): at most 15 of a-z, 0-9 and inner single
 * hyphens, one letter at least.
 */
export function isPortName(text: string): boolean {
  return text.length <= 15 && DNS_LABEL.test(text) && /[a-z]/.test(text) && !text.includes('--');
}

/** In: a number. Out: whether it can be a port number. */
export function isPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/**
 * In: a text. Out: whether Argo Rollouts v1.9.1 takes it as the name of an environment variable; newer Kubernetes takes
 * more in a Pod.
 */
export function isEnvironmentName(text: string): boolean {
  return text !== '.' && !text.startsWith('..') && ENVIRONMENT_NAME.test(text);
}

const HEADER_NAME = /^[-A-Za-z0-9]+$/;

/** In: a text. Out: whether Kubernetes takes it as the name of a header that a probe or a hook sends. */
export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text);
}

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

/**
 * In: a text. Out: whether it can be a key of a ConfigMap or Secret: at most 253 letters, digits, "-", "_" and ".", no
 * way up among directories.
 */
export function isConfigKey(text: string): boolean {
  return text.length <= 253 && CONFIG_KEY.test(text) && text !== '.' && !text.startsWith('..');
}
