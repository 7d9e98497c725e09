import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutResources } from './rule.ts';

testRule(rolloutResources, import.meta.dirname);
