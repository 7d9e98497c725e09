import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutStrategy } from './rule.ts';

testRule(rolloutStrategy, import.meta.dirname);
