import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutQuota } from './rule.ts';

testRule(rolloutQuota, import.meta.dirname);
