import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisCanFail } from './rule.ts';

testRule(analysisCanFail, import.meta.dirname);
