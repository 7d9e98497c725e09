import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('duplicate-object', join(import.meta.dirname, 'fixtures', 'duplicate-object'));
