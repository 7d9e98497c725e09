import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('duplicate-object', join(import.meta.dirname, 'fixtures', 'duplicate-object'), {
  'bad-copies.yaml': [
    {
      message: 'differs',
      path: '',
      at: '2:1',
      text: 'VirtualService "cart" is also written in bad-copies.yaml:10, and differs: keep one of them, or lint the alternatives one by one [duplicate-object]',
    },
    {
      message: 'differs',
      path: '',
      at: '10:1',
      text: 'VirtualService "cart" is also written in bad-copies.yaml:2, and differs: keep one of them, or lint the alternatives one by one [duplicate-object]',
    },
    {
      message: 'same',
      path: '',
      at: '17:1',
      text: 'Service "cart" is also written in bad-copies.yaml:22, bad-copies.yaml:27, bad-copies.yaml:32 and 1 more, word for word: remove one of them [duplicate-object]',
    },
    {
      message: 'same',
      path: '',
      at: '22:1',
      text: 'Service "cart" is also written in bad-copies.yaml:17, bad-copies.yaml:27, bad-copies.yaml:32 and 1 more, word for word: remove one of them [duplicate-object]',
    },
    {
      message: 'same',
      path: '',
      at: '27:1',
      text: 'Service "cart" is also written in bad-copies.yaml:17, bad-copies.yaml:22, bad-copies.yaml:32 and 1 more, word for word: remove one of them [duplicate-object]',
    },
    {
      message: 'same',
      path: '',
      at: '32:1',
      text: 'Service "cart" is also written in bad-copies.yaml:17, bad-copies.yaml:22, bad-copies.yaml:27 and 1 more, word for word: remove one of them [duplicate-object]',
    },
    {
      message: 'same',
      path: '',
      at: '37:1',
      text: 'Service "cart" is also written in bad-copies.yaml:17, bad-copies.yaml:22, bad-copies.yaml:27 and 1 more, word for word: remove one of them [duplicate-object]',
    },
  ],
  'bad-two-versions.yaml': [
    {
      message: 'differs',
      path: '',
      at: '1:1',
      text: 'Service "cart" is also written in bad-two-versions.yaml:9, and differs: keep one of them, or lint the alternatives one by one [duplicate-object]',
    },
    {
      message: 'differs',
      path: '',
      at: '9:1',
      text: 'Service "cart" is also written in bad-two-versions.yaml:1, and differs: keep one of them, or lint the alternatives one by one [duplicate-object]',
    },
  ],
  'good-different-objects.yaml': [],
});
