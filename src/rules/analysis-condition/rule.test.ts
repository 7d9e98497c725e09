import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisCondition } from './rule.ts';

testRule(analysisCondition, import.meta.dirname);
