import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutAntiAffinity } from './rule.ts';

testRule(rolloutAntiAffinity, import.meta.dirname);
