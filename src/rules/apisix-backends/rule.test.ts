import { testRule } from '../../../test/support/rule-tester.ts';
import { apisixBackends } from './rule.ts';

testRule(apisixBackends, import.meta.dirname);
