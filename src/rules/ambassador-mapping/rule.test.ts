import { testRule } from '../../../test/support/rule-tester.ts';
import { ambassadorMapping } from './rule.ts';

testRule(ambassadorMapping, import.meta.dirname);
