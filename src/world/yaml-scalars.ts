import type { ScalarTag } from 'yaml';

// How kubectl, Helm and Argo CD read a plain scalar: as YAML 1.1, by sigs.k8s.io/yaml, which has go.yaml.in/yaml/v2
// in it (resolve.go). The library's own YAML 1.1 reads base 60 numbers and dates as well, which that one leaves text.

const BOOLEAN: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[yYnN]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:y|on)/i.test(text),
};

// With a leading 0 a number is octal, as the mode 0644 is, unless it has another digit.
const INTEGER: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?[0-9][0-9_]*$/,
  resolve: (text) => {
    const plain = withoutMarks(text);
    return /^[-+]?0[0-7]+$/.test(plain) ? signed(plain, (digits) => Number.parseInt(digits, 8)) : Number(plain);
  },
};

const PREFIXED: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0_*(?:[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|[oO]_*[0-7][0-7_]*|[bB]_*[01][01_]*)$/,
  resolve: (text) => signed(withoutMarks(text), Number),
};

const FLOAT: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^(?:[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?|[-+]_*\.[0-9_]+|\.[0-9]+)(?:[eE][-+]?[0-9_]+)?$/,
  resolve: (text) => {
    const plain = withoutMarks(text);
    const number = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain) ? Number(plain) : NaN;
    // What is too large for a number is text: 12e4567 may be the hash of a commit.
    return Number.isFinite(number) ? number : text;
  },
};

/** The tags of plain scalars that kubectl reads differently from YAML 1.2, to be tried before those of the library. */
export const GO_SCALARS: readonly ScalarTag[] = [BOOLEAN, INTEGER, PREFIXED, FLOAT];

function withoutMarks(text: string): string {
  return text.replaceAll('_', '');
}

function signed(text: string, parse: (digits: string) => number): number {
  const number = parse(text.replace(/^[-+]/, ''));
  return text.startsWith('-') ? -number : number;
}
