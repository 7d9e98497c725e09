import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisJob } from './rule.ts';

testRule(analysisJob, import.meta.dirname);
