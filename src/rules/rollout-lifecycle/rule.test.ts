import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutLifecycle } from './rule.ts';

testRule(rolloutLifecycle, import.meta.dirname);
