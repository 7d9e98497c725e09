import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutTrafficRouting } from './rule.ts';

testRule(rolloutTrafficRouting, import.meta.dirname);
