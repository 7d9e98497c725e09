import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutWorkloadRef } from './rule.ts';

testRule(rolloutWorkloadRef, import.meta.dirname);
