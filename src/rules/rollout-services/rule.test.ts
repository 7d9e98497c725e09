import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutServices } from './rule.ts';

testRule(rolloutServices, import.meta.dirname);
