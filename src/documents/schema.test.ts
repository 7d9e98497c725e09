import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('schema', join(import.meta.dirname, 'fixtures', 'schema'), ['large']);
