import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('unknown-field', join(import.meta.dirname, 'fixtures', 'unknown-field'));
