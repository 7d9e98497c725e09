import { testRule } from '../../../test/support/rule-tester.ts';
import { duplicateWorkload } from './rule.ts';

testRule(duplicateWorkload, import.meta.dirname);
