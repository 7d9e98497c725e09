import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisFieldRef } from './rule.ts';

testRule(analysisFieldRef, import.meta.dirname);
