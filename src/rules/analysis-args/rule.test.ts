import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisArgs } from './rule.ts';

testRule(analysisArgs, import.meta.dirname);
