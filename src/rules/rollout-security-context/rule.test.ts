import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutSecurityContext } from './rule.ts';

testRule(rolloutSecurityContext, import.meta.dirname);
