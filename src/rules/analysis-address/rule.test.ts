import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisAddress } from './rule.ts';

testRule(analysisAddress, import.meta.dirname);
