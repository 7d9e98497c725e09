import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('duplicate-key', join(import.meta.dirname, 'fixtures', 'duplicate-key'), {
  'bad-different-values.yaml': [
    {
      message: 'differs',
      path: 'spec.strategy.canary.steps[0].pause.duration',
      at: '10:34',
      text: '"duration" is written twice in spec.strategy.canary.steps[0].pause with different values, first in line 10: some tools take the last, others refuse the file: remove the one that is not meant [duplicate-key]',
    },
    {
      message: 'differs',
      path: 'spec.revisionHistoryLimit',
      at: '11:3',
      text: '"revisionHistoryLimit" is written twice in spec with different values, first in line 6: some tools take the last, others refuse the file: remove the one that is not meant [duplicate-key]',
    },
  ],
  'bad-missing-separator.yaml': [
    {
      message: 'merged',
      path: 'apiVersion',
      at: '7:1',
      text: 'a second object begins here in the document of the first, whose apiVersion is in line 1: only the last value of each field counts: put a line --- between the two [duplicate-key]',
    },
  ],
  'bad-same-value.yaml': [
    {
      message: 'repeated',
      path: 'metadata.labels.app',
      at: '7:5',
      text: '"app" is written twice in metadata.labels with the same value, first in line 6: kustomize and Flux refuse the file: remove one of them [duplicate-key]',
    },
  ],
  'good-merged-mappings.yaml': [],
});
