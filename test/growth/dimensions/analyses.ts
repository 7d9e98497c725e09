import { times, object, container, rollout, metric, template, clusterTemplate, analysisStep } from '../objects.ts';
import { chain, one, nested, argument, queryOf, type Dimension } from '../setups.ts';

/** Parts of analyses and their templates. */
export const ANALYSES: readonly Dimension[] = [
  { title: 'analysis steps', make: (n) => one({ steps: times(n, () => analysisStep(['t'])) }, template('t')) },
  {
    title: 'analysis steps with 20 arguments',
    make: (n) =>
      one(
        { steps: times(n, () => analysisStep(['t'], times(20, argument))) },
        template('t', { args: times(20, (i) => ({ name: `arg-${i}` })), metrics: [metric('m', queryOf(20))] }),
      ),
  },
  {
    title: 'analysis steps with another template each',
    make: (n) => one({ steps: times(n, (i) => analysisStep([`t-${i}`])) }, ...times(n, (i) => template(`t-${i}`))),
  },
  {
    title: 'analysis steps of a template with as many metrics and placeholders',
    make: (n) =>
      one(
        { steps: times(n, () => analysisStep(['t'], times(3, argument))) },
        template('t', {
          args: times(n, argument),
          metrics: times(n, (i) => metric(`m-${i}`, `{{args.arg-${i}}} {{args.no-${i}}}`)),
        }),
      ),
  },
  {
    title: 'analyses of an experiment',
    make: (n) => [
      object('argoproj.io/v1alpha1', 'Experiment', 'e', {
        templates: times(n, (i) => ({ name: `p-${i}` })),
        analyses: times(n, (i) => ({
          name: `a-${i}`,
          templateName: 't',
          args: [{ name: 'arg-0', value: '{{templates.p-1.podTemplateHash}}' }],
        })),
        dryRun: times(n, (i) => ({ metricName: `d-${i}` })),
      }),
      template('t', { args: [argument(0)], metrics: [metric('m', queryOf(1))] }),
    ],
  },
  {
    title: 'templates of an experiment step',
    make: (n) =>
      one({
        steps: [
          {
            experiment: { templates: times(n, (i) => ({ name: `p-${i % 7}`, specRef: i % 2 === 0 ? 'x' : 'canary' })) },
          },
        ],
      }),
  },
  {
    title: 'experiment steps with analyses',
    make: (n) =>
      one(
        {
          steps: [
            {
              experiment: {
                templates: times(n, (i) => ({ name: `p-${i}`, specRef: 'canary' })),
                analyses: times(n, (i) => ({ name: `a-${i}`, templateName: 't' })),
              },
            },
          ],
        },
        template('t'),
      ),
  },
  {
    title: 'templates of one analysis',
    make: (n) => one({ steps: [analysisStep(times(n, (i) => `t-${i}`))] }, ...times(n, (i) => template(`t-${i}`))),
  },
  {
    title: 'templates of one analysis, none with metrics',
    make: (n) =>
      one(
        { steps: [analysisStep(times(n, (i) => `t-${i}`))] },
        ...times(n, (i) => template(`t-${i}`, { metrics: [] })),
      ),
  },
  {
    title: 'templates of one analysis with arguments that nothing uses',
    make: (n) =>
      one(
        { steps: [analysisStep(times(n, (i) => `t-${i}`))] },
        ...times(n, (i) => template(`t-${i}`, { args: [argument(i)] })),
      ),
  },
  {
    title: 'templates of one analysis with arguments that none declares',
    make: (n) =>
      one(
        { steps: [analysisStep(times(n, (i) => `t-${i}`))] },
        ...times(n, (i) => template(`t-${i}`, { metrics: [metric(`m-${i}`, `{{args.arg-${i}}}`)] })),
      ),
  },
  {
    title: 'templates of one analysis with rules for dry runs that match none',
    make: (n) =>
      one(
        { steps: [analysisStep(times(n, (i) => `t-${i}`))] },
        ...times(n, (i) => template(`t-${i}`, { dryRun: [{ metricName: `x-${i}` }] })),
      ),
  },
  {
    title: 'cluster-scoped templates of one analysis, none with metrics',
    make: (n) =>
      one(
        {
          steps: [{ analysis: { templates: times(n, (i) => ({ templateName: `t-${i}`, clusterScope: true })) } }],
        },
        ...times(n, (i) => clusterTemplate(`t-${i}`, { metrics: [] })),
      ),
  },
  {
    title: 'templates of two analyses, none with metrics',
    make: (n) =>
      one(
        { steps: times(2, (step) => analysisStep([...times(n, (i) => `t-${i}`), `other-${step}`])) },
        ...times(n, (i) => template(`t-${i}`, { metrics: [] })),
        ...times(2, (step) => template(`other-${step}`, { metrics: [] })),
      ),
  },
  {
    title: 'analysis steps with another template each, none with metrics',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep([`t-${i}`])) },
        ...times(n, (i) => template(`t-${i}`, { metrics: [] })),
      ),
  },
  {
    title: 'analysis steps of a template without metrics',
    make: (n) =>
      one({ steps: times(n, () => analysisStep(['t', 'u'])) }, template('t', { metrics: [] }), template('u')),
  },
  {
    title: 'arguments',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'], times(n, argument))] },
        template('t', { args: times(n, (i) => ({ name: `arg-${i}` })), metrics: [metric('m', queryOf(n))] }),
      ),
  },
  {
    title: 'arguments that are not declared',
    // All names have one length: how many can be the misspelling of another depends on their lengths.
    make: (n) =>
      one(
        {
          steps: [
            analysisStep(
              ['t'],
              times(n, (i) => argument(1000 + i)),
            ),
          ],
        },
        template('t', { args: times(n, (i) => ({ name: `opt-${1000 + i}` })), metrics: [metric('m', queryOf(n))] }),
      ),
  },
  {
    title: 'arguments that nothing uses',
    make: (n) =>
      one(
        { steps: [analysisStep(['a', 'b'])] },
        template('a', { args: times(n, argument) }),
        template('b', { args: times(n, argument), metrics: [metric('m', queryOf(n))] }),
      ),
  },
  {
    title: 'arguments from fields',
    make: (n) =>
      one(
        {
          steps: [
            analysisStep(
              ['t'],
              times(n, (i) => ({ name: `arg-${i}`, valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } })),
            ),
          ],
        },
        template('t', { args: times(n, (i) => ({ name: `arg-${i}` })) }),
      ),
  },
  {
    title: 'metrics',
    make: (n) => one({ steps: [analysisStep(['t'])] }, template('t', { metrics: times(n, (i) => metric(`m-${i}`)) })),
  },
  {
    title: 'metrics of one name',
    make: (n) => one({ steps: [analysisStep(['t'])] }, template('t', { metrics: times(n, () => metric('m')) })),
  },
  {
    title: 'metrics and rules for dry runs',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'])] },
        template('t', {
          metrics: times(n, (i) => metric(`m-${i}`)),
          dryRun: times(n, (i) => ({ metricName: `m-${i}` })),
        }),
      ),
  },
  {
    title: 'metrics and rules for the retention of measurements',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'])] },
        template('t', {
          metrics: times(n, (i) => metric(`m-${i}`)),
          measurementRetention: times(n, (i) => ({ metricName: `m-${i}.*`, limit: 1 })),
        }),
      ),
  },
  {
    title: 'metrics, and rules for dry runs that match none',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'], [], { dryRun: times(n, (i) => ({ metricName: `y-${i}` })) })] },
        template('t', {
          metrics: times(n, (i) => metric(`m-${i}`, 'vector(1)', { successCondition: '' })),
          dryRun: times(n, (i) => ({ metricName: `x-${i}` })),
        }),
      ),
  },
  {
    title: 'analysis steps with rules for dry runs',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [], { dryRun: [{ metricName: `m-${i}` }] })) },
        template('t', {
          metrics: times(n, (i) => metric(`m-${i}`)),
          dryRun: times(n, (i) => ({ metricName: `m-${i}` })),
        }),
      ),
  },
  {
    title: 'placeholders in one text',
    make: (n) =>
      one({ steps: [analysisStep(['t'])] }, template('t', { args: [argument(0)], metrics: [metric('m', queryOf(n))] })),
  },
  {
    title: 'placeholders at the end of a deep value',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'])] },
        template('t', { args: [argument(0)], metrics: [{ name: 'm', provider: { plugin: { deep: nested(n) } } }] }),
      ),
  },
  {
    title: 'containers of Jobs',
    make: (n) => [
      template('t', {
        metrics: [
          {
            name: 'm',
            provider: {
              job: {
                spec: {
                  template: {
                    spec: { containers: times(n, (i) => container(`c-${i}`, { resources: { limits: { cpu: 'x' } } })) },
                  },
                },
              },
            },
          },
        ],
      }),
    ],
  },
  {
    title: 'a chain of templates',
    make: (n) => [...chain(n, []), rollout('app', { canary: { steps: [analysisStep(['t-0'])] } })],
  },
  {
    title: 'a chain of templates with arguments that nothing uses',
    make: (n) => [
      ...chain(n, [], (i) => ({ args: [argument(i)] })),
      rollout('app', { canary: { steps: [analysisStep(['t-0'])] } }),
    ],
  },
  {
    title: 'a circle of templates with arguments that nothing uses',
    make: (n) => [
      ...chain(n, [{ templateName: 't-0' }], (i) => ({ args: [argument(i)] })),
      rollout('app', { canary: { steps: [analysisStep(['t-0'])] } }),
    ],
  },
  {
    title: 'a circle of templates',
    make: (n) => [
      ...chain(n, [{ templateName: 't-0' }]),
      rollout('app', { canary: { steps: [analysisStep(['t-0'])] } }),
    ],
  },
  {
    title: 'templates that one includes, none with metrics',
    make: (n) => [
      template('base', { templates: times(n, (i) => ({ templateName: `t-${i}` })), metrics: [] }),
      ...times(n, (i) => template(`t-${i}`, { metrics: [] })),
      rollout('app', { canary: { steps: [analysisStep(['base'])] } }),
    ],
  },
  {
    title: 'templates that include one',
    make: (n) => [
      template('base', { args: [argument(0)] }),
      ...times(n, (i) =>
        template(`t-${i}`, {
          templates: [{ templateName: 'base' }],
          args: [argument(1)],
          metrics: [metric(`m-${i}`, '{{args.arg-0}}{{args.arg-1}}')],
        }),
      ),
    ],
  },
];
