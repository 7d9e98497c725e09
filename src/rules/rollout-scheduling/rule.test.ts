import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutScheduling } from './rule.ts';

testRule(rolloutScheduling, import.meta.dirname);
