import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisNoData } from './rule.ts';

testRule(analysisNoData, import.meta.dirname);
