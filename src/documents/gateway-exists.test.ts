import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('gateway-exists', join(import.meta.dirname, 'fixtures', 'gateway-exists'));
