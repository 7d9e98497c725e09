import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTerminates } from './rule.ts';

testRule(analysisTerminates, import.meta.dirname);
