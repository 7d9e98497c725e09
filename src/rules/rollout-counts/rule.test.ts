import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutCounts } from './rule.ts';

testRule(rolloutCounts, import.meta.dirname);
