type Method = (this: unknown, ...args: unknown[]) => unknown;
type Holder = Record<PropertyKey, unknown>;
type Cost = (self: unknown, args: readonly unknown[], result: unknown) => number;

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value)
    ? value.length
    : value instanceof Map || value instanceof Set
      ? value.size
      : 0;
const ofSelf: Cost = (self) => lengthOf(self);
const ofResult: Cost = (_self, _args, result) => lengthOf(result);
// Text is copied and searched many characters at a time.
const inText: Cost = (self, _args, result) => (lengthOf(self) + lengthOf(result)) / 64;
// Found at the end of what was searched.
const searched: Cost = (self, args, result) => {
  const from = typeof args[1] === 'number' ? args[1] : 0;
  return ((result === -1 ? lengthOf(self) : Number(result)) - from) / 64 + 1;
};
const step: Cost = () => 1;
// What comes behind has to move.
const moved: Cost = (self, args) => 1 + Math.max(0, lengthOf(self) - Number(args[0] ?? 0));

const prototypeOf = (value: object): Holder => Object.getPrototypeOf(value) as Holder;

// Loops, spread, destructuring and `new Set(list)` go through the iterators. Callbacks are counted as code of the sources.
const COSTS: readonly (readonly [name: string, holder: Holder, methods: Readonly<Record<string, Cost>>])[] = [
  ['array iterator', prototypeOf([][Symbol.iterator]()), { next: step }],
  ['set iterator', prototypeOf(new Set()[Symbol.iterator]()), { next: step }],
  ['map iterator', prototypeOf(new Map()[Symbol.iterator]()), { next: step }],
  [
    'Array',
    Array.prototype as unknown as Holder,
    {
      ...Object.fromEntries(
        ['includes', 'indexOf', 'lastIndexOf', 'join', 'reverse', 'sort', 'shift', 'fill'].map((name) => [
          name,
          ofSelf,
        ]),
      ),
      splice: moved,
      ...Object.fromEntries(
        ['slice', 'concat', 'flat', 'flatMap', 'toReversed', 'toSorted', 'with'].map((name) => [name, ofResult]),
      ),
    },
  ],
  ['Object', Object as unknown as Holder, { keys: ofResult, values: ofResult, entries: ofResult }],
  ['JSON', JSON as unknown as Holder, { stringify: (_self, _args, result) => lengthOf(result) / 16 }],
  [
    'String',
    String.prototype as unknown as Holder,
    {
      indexOf: searched,
      ...Object.fromEntries(
        [
          'includes',
          'lastIndexOf',
          'split',
          'replace',
          'replaceAll',
          'trim',
          'trimEnd',
          'toLowerCase',
          'match',
          'matchAll',
        ].map((name) => [name, inText]),
      ),
    },
  ],
];

/** Runs a function and returns the steps that built-in functions made meanwhile, by name. */
export function countingBuiltIns(run: () => void): ReadonlyMap<string, number> {
  const steps: Record<string, number> = {};
  const restore: (() => void)[] = [];
  for (const [name, holder, methods] of COSTS) {
    for (const [method, cost] of Object.entries(methods)) {
      const original = holder[method] as Method;
      const label = `${name}.${method}`;
      steps[label] = 0;
      holder[method] = function counted(this: unknown, ...args: unknown[]): unknown {
        const result: unknown = Reflect.apply(original, this, args);
        steps[label] = (steps[label] ?? 0) + cost(this, args, result);
        return result;
      };
      restore.push(() => {
        holder[method] = original;
      });
    }
  }
  try {
    run();
  } finally {
    for (const undo of restore) undo();
  }
  return new Map(Object.entries(steps));
}
