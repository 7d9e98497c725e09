import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('duplicate-key', join(import.meta.dirname, 'fixtures', 'duplicate-key'));
